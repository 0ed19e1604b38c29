'use strict'

const path = require('node:path')
const { Cancelled, find, Mistake } = require('./binary')
const relay = require('./relay')
const { fail, finish, log, run, save, warn } = require('./stage')

const without = (err) => {
  // Whatever is wrong here, the build can do without.
  warn(`without modferry: ${err.message}`)
  finish(0)
}
process.on('uncaughtException', without)

async function main() {
  if (!process.env.RUNNER_TEMP) throw new Error('RUNNER_TEMP is not set, expected the temporary directory of the job')
  const machine = { env: process.env, platform: process.platform, arch: process.arch, path, root: path.join(__dirname, '..', '..'), log, warn }
  const program = await find(machine)
  if (!program) return 0 // the job goes on as it would without
  save('binary', program.file)
  save('sha256', program.sha256)
  let dir = relay.joined(process.env)
  if (dir) {
    log('the relay of an earlier use in this job serves this one, too')
  } else {
    dir = relay.start(program.file, process.env)
    save('relay', dir)
  }
  return run(program.file, ['main', '--native', '--relay', dir])
}

main().then(finish, (err) => {
  if (err instanceof Mistake) {
    fail(err.message)
    finish(2)
    return
  }
  if (err instanceof Cancelled) {
    finish(130)
    return
  }
  without(err)
})
