'use strict'

// Runs a stage of the program in the place of this process, and writes what the runner
// reads.

const { spawn } = require('node:child_process')
const crypto = require('node:crypto')
const fs = require('node:fs')

/**
 * run runs a stage and returns its exit code. Signals go on to it: the runner sends
 * them to this process alone. It is ended after limit milliseconds.
 */
function run(binary, args, { env = process.env, limit } = {}) {
  const child = spawn(binary, ['action', ...args], { stdio: ['ignore', 'inherit', 'inherit'], env, windowsHide: true })
  // On Windows the console has told it already, and kill would not be kind.
  const pass = process.platform === 'win32' ? () => {} : (signal) => child.kill(signal)
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, pass)
  const timers = []
  if (limit) {
    timers.push(setTimeout(() => child.kill('SIGTERM'), limit), setTimeout(() => child.kill('SIGKILL'), limit + 5000))
  }
  return new Promise((resolve, reject) => {
    const done = (end, value) => {
      timers.forEach(clearTimeout)
      end(value)
    }
    child.on('error', (err) => done(reject, err))
    child.on('exit', (code) => done(resolve, code ?? 1))
  })
}

/** save hands a value to the post stage, which finds it as STATE_name. */
function save(name, value, env = process.env) {
  const mark = crypto.randomUUID()
  fs.appendFileSync(env.GITHUB_STATE, `${name}<<${mark}\n${value}\n${mark}\n`)
}

// Commands of the log, whose text must not begin another one.
const escaped = (text) => text.replace(/%/g, '%25').replace(/\r/g, '%0D').replace(/\n/g, '%0A')
const plain = (text) => text.replace(/[\r\n]+/g, ' ').replace(/##\[/g, '# [')

const log = (text) => console.log(`modferry: ${plain(text)}`)
const warn = (text) => console.log(`::warning title=modferry::${escaped(text)}`)
const fail = (text) => console.log(`::error title=modferry cannot run::${escaped(text)}`)

/** finish ends this process with a code, soon, whatever is still open. */
function finish(code) {
  process.exitCode = code
  setTimeout(() => process.exit(), 1000).unref()
}

module.exports = { fail, finish, log, run, save, warn }
