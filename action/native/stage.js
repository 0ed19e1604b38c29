'use strict'

// Runs a stage of the program in the place of this process, and writes what the runner
// reads.

const { spawn } = require('node:child_process')
const crypto = require('node:crypto')
const fs = require('node:fs')

// What the program ends with, by itself.
const codes = [0, 1, 2, 3, 130]

/**
 * run runs a stage and returns its exit code. It is ended after limit milliseconds, 0
 * for never. One that crashes is an error, or that the system ends, as it lacks memory.
 */
async function run(binary, args, limit = 0) {
  // By default, Go programs crash with a code that is among ours.
  const env = { ...process.env, GOTRACEBACK: 'crash' }
  const { code, signal, cancelled } = await ended(spawn(binary, ['action', ...args], { env, stdio: ['ignore', 'inherit', 'inherit'], windowsHide: true }), limit)
  if (!cancelled && (signal || !codes.includes(code))) throw new Error(`the program was ended by ${signal || `an exit with code ${code}`}`)
  return code
}

/**
 * ended waits for the end of a child, and ends it after limit milliseconds, 0 for never:
 * kindly, then by force. Signals go on to it: the runner sends them to this process
 * alone. Signal is what ended it, null for itself, late whether its time was over,
 * cancelled whether a signal came.
 */
async function ended(child, limit) {
  let cancelled = false
  const pass = (signal) => {
    cancelled = true
    // On Windows the console has told it already, and kill would not be kind.
    if (process.platform !== 'win32') child.kill(signal)
  }
  for (const signal of signals) process.on(signal, pass)
  let late = false
  const timers = !limit ? [] : [
    setTimeout(() => {
      late = true
      child.kill('SIGINT')
    }, limit),
    setTimeout(() => child.kill('SIGKILL'), limit + 5000),
  ]
  try {
    const [code, signal] = await new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (...how) => resolve(how))
    })
    return { code: code ?? 1, signal, late, cancelled }
  } finally {
    timers.forEach(clearTimeout)
    for (const signal of signals) process.off(signal, pass)
  }
}

const signals = ['SIGINT', 'SIGTERM', 'SIGBREAK']

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

module.exports = { ended, fail, finish, log, run, save, warn }
