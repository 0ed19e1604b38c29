'use strict'

const { hashOf } = require('./binary')
const relay = require('./relay')
const { finish, log, run, warn } = require('./stage')

const limit = 180_000 // of the whole stage, whose parts have limits of their own

async function post() {
  const { STATE_binary: binary, STATE_sha256: want, STATE_relay: dir } = process.env
  if (!binary) {
    log('nothing to do: the main stage found no program')
    return 0
  }
  if (hashOf(binary) !== want) {
    warn(`nothing saved: ${binary} is not the program of the main stage any more`)
    return 0
  }
  return run(binary, ['post', '--native', ...(dir ? ['--relay', dir] : [])], limit)
}

const failed = (err) => {
  warn(`nothing saved: ${err.message}`)
  return 0
}
process.on('uncaughtException', (err) => finish(failed(err)))

post().catch(failed).then((code) => {
  relay.leave(process.env.STATE_relay)
  finish(code === 3 ? 3 : 0)
})
