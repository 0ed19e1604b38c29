'use strict'

// Starts the relay of the job and leaves it alone: it outlives this step, and tells
// in its directory where it is reached.

const { spawn } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const ready = 'ready.json'

/**
 * place is where the relays of the job have their directories: with its temporary files.
 * In a pod of ARC, the hooks of the runner copy those away and back around every step,
 * and wait while they change.
 */
function place(env, temp = os.tmpdir()) {
  const copied = env.KUBERNETES_SERVICE_HOST && env.RUNNER_TEMP.startsWith('/__w/')
  return path.join(copied ? temp : env.RUNNER_TEMP, 'modferry')
}

/** joined is the directory of the relay that an earlier use in this job started, undefined for none. */
function joined(env) {
  const temp = place(env)
  const names = fs.existsSync(temp) ? fs.readdirSync(temp).filter((name) => name.startsWith('relay-')) : []
  return names.map((name) => path.join(temp, name)).find((dir) => {
    try {
      const { url } = JSON.parse(fs.readFileSync(path.join(dir, ready), 'utf8'))
      return url && [`${url}|`, `${url},`].some((head) => env.GOPROXY?.startsWith(head))
    } catch {
      return false
    }
  })
}

/** start starts the relay of the job and returns its directory. */
function start(binary, env) {
  const temp = place(env)
  fs.mkdirSync(temp, { recursive: true })
  const dir = fs.mkdtempSync(path.join(temp, 'relay-'))
  // A pipe of ours that it held would keep the runner waiting for the end of this step.
  const log = fs.openSync(path.join(dir, 'relay.log'), 'a', 0o600)
  // With detached, Windows does not end it with this process, nor Unix with its group.
  const child = spawn(binary, ['action', 'relay', '--relay', dir], {
    detached: true, windowsHide: true, stdio: ['pipe', 'ignore', log], env: own(env),
  })
  fs.closeSync(log)
  child.on('error', (err) => absent(dir, err.message))
  child.on('exit', (code, signal) => absent(dir, `it ended at once (${signal || code})`))
  child.stdin.on('error', () => {}) // it has ended, which the events above tell
  child.stdin.end(JSON.stringify(given(env)))
  child.unref()
  return dir
}

/** absent tells main that nobody will answer, unless the relay said so itself. */
function absent(dir, why) {
  try {
    fs.writeFileSync(path.join(dir, ready), JSON.stringify({ without: why }), { flag: 'wx' })
  } catch {
    // It has.
  }
}

/** leave ends a relay that nobody could tell to: it goes when its file does. */
function leave(dir) {
  if (!dir) return
  try {
    fs.rmSync(path.join(dir, ready), { force: true })
    fs.rmSync(dir, { recursive: true, force: true })
  } catch {
    // The runner removes what is left, with all of its temporary files.
  }
}

/**
 * own is the environment of the process: no secrets, since every process of the user can
 * read it, but what the system needs, and the mark by which the runner finds what a job
 * left running.
 */
function own(env) {
  const names = ['RUNNER_TRACKING_ID', 'SystemRoot', 'SYSTEMROOT', 'windir', 'TEMP', 'TMP', 'TMPDIR', 'GOMEMLIMIT']
  return Object.fromEntries(names.filter((name) => env[name] !== undefined).map((name) => [name, env[name]]))
}

/** given is what the relay gets of the job's environment: not the tokens, which it has no use for. */
function given(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(ACTIONS_|INPUT_TOKEN$|GITHUB_TOKEN$|STATE_)/i.test(name)))
}

module.exports = { given, joined, leave, own, place, start }
