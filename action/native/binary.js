'use strict'

// Finds the program: a file that the job names, the release's own, or one that the
// job's Go builds. A release is known by its hash, which is in this very commit: who
// pins the action pins the program, wherever its bytes come from.

const { spawn, spawnSync } = require('node:child_process')
const crypto = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')
const { certificates, download, parsed, shown } = require('./download')
const { ended } = require('./stage')

const modulePath = 'github.com/modferry/modferry'
const releases = `https://${modulePath}/releases/download`

// Of a build: several times what an idle machine with two cores takes.
const longest = 300_000

/** An error of the workflow, which fails the step. */
class Mistake extends Error {}

/** The runner ended the step meanwhile. */
class Cancelled extends Error {}

/**
 * find returns the path and the SHA-256 of the program, undefined when there is none.
 * m is the machine: env, platform, arch, path (of the platform), root (of the action),
 * log and warn; options are those of download, and longest (ms) that a build may take.
 */
async function find(m, options = {}) {
  const input = m.env.INPUT_BINARY?.trim()
  if (input) {
    const file = m.path.resolve(m.env.GITHUB_WORKSPACE || '', input)
    const sha256 = hashOf(file)
    if (!sha256) throw new Mistake(`input binary: found no file ${file}, expected the program`)
    const why = unfit(file, m.env)
    if (why) throw new Mistake(`input binary: found ${file}, which does not run: ${why}; expected the program for ${m.platform} on ${m.arch}`)
    m.log(`uses ${file}, as input binary says`)
    return { file, sha256 }
  }
  const { version, files } = JSON.parse(fs.readFileSync(m.path.join(m.root, 'action/native/checksums.json'), 'utf8'))
  const name = asset(m)
  if (version && files[name]) {
    const found = await released(m, version, name, files[name], options)
    if (found) return found
  } else {
    m.log(version ? `no release has ${name}` : 'this commit of the action is no release')
  }
  return built(m, version, options)
}

/** unfit says why a file is not the program, or not one of this machine; undefined for one that is. */
function unfit(file, env) {
  const { error, status, stdout, stderr } = spawnSync(file, ['version'], { env, encoding: 'utf8', windowsHide: true, timeout: 60_000 })
  if (error) return error.message
  return status === 0 && stdout.startsWith('modferry ') ? undefined : last(stderr) || 'it does not say its version'
}

/** asset is the name of the program among those of a release. */
function asset({ platform, arch }) {
  const os = { win32: 'windows' }[platform] ?? platform
  const cpu = { x64: 'amd64' }[arch] ?? arch
  return `modferry_${os}_${cpu}${suffix(platform)}`
}

const suffix = (platform) => (platform === 'win32' ? '.exe' : '')

async function released(m, version, name, want, options) {
  const url = mirrored(m.env, `v${version}/${name}`)
  // Where the tool cache cannot be written, the job's own files will do.
  const places = [m.env.RUNNER_TOOL_CACHE, m.path.join(m.env.RUNNER_TEMP, 'modferry', 'tools')].filter(Boolean)
    .map((dir) => m.path.join(dir, 'modferry', version, m.arch, `modferry${suffix(m.platform)}`))
  for (const file of places) {
    const found = hashOf(file)
    if (found === want && runs(file)) {
      m.log(`uses modferry ${version} of the tool cache`)
      return { file, sha256: want }
    }
    if (found && found !== want) m.warn(`the tool cache has another file in the place of modferry ${version}, which is replaced`)
  }
  try {
    const data = await download(url, { env: m.env, ca: trusted(m), log: m.log, ...options })
    const got = digest(data)
    if (got !== want) {
      const found = data.subarray(0, 100).toString().trimStart().startsWith('<') ? 'a web page, as of a login' : `SHA-256 ${got}`
      throw new Error(`${shown(url)}: found ${found}, expected SHA-256 ${want}, so it is not used`)
    }
    const file = put(places, data, want)
    m.log(`uses modferry ${version} from ${shown(url)}`)
    return { file, sha256: want }
  } catch (err) {
    m.warn(`cannot download modferry ${version}: ${err.message}`)
    return undefined
  }
}

/** mirrored is where a file of the releases is: on a mirror, if the input names one. */
function mirrored(env, file) {
  let url
  try {
    url = parsed(env['INPUT_DOWNLOAD-URL']?.trim() || releases, 'input download-url')
  } catch (err) {
    throw new Mistake(err.message)
  }
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${file}` // before a signature, which is its query
  return url
}

/** put keeps the program in the first of several places where it can be written and run, and returns which. */
function put(places, data, want) {
  let problem
  for (const file of places) {
    try {
      fs.mkdirSync(path.dirname(file), { recursive: true })
      write(file, data)
      if (runs(file)) return file
      problem = new Error(`${file}: nothing may be run there`)
    } catch (err) {
      if (hashOf(file) === want && runs(file)) return file // another job was faster, and runs it
      problem = err
    }
  }
  throw problem
}

/** write makes a program of data, in one step for those who look. */
function write(file, data) {
  const temp = `${file}.${crypto.randomUUID()}` // of this job alone: others may do the same
  try {
    fs.writeFileSync(temp, data, { flag: 'wx', mode: 0o755 })
    fs.renameSync(temp, file)
  } catch (err) {
    fs.rmSync(temp, { force: true })
    throw err
  }
}

function trusted(m) {
  const file = m.env['INPUT_CA-FILE']?.trim() || m.env.MODFERRY_CA_FILE
  return certificates(file && m.path.resolve(m.env.GITHUB_WORKSPACE || '', file), m.env)
}

const spared = 'With input binary or download-url, nothing is built'

/** built is the program as the job's Go makes it: of a release, or of the commit of the action. */
async function built(m, version, { longest: limit = longest } = {}) {
  const temp = m.path.join(m.env.RUNNER_TEMP, 'modferry')
  fs.mkdirSync(temp, { recursive: true })
  const dir = fs.mkdtempSync(m.path.join(temp, 'built-')) // an earlier use's may be running
  // Not in the checkout, whose go.mod may ask for another Go.
  const asked = spawnSync('go', ['env', '-json', 'GOPROXY', 'GOSUMDB', 'GOAUTH', 'GOCACHE', 'GOMODCACHE', 'GOPATH', 'GOVERSION'], {
    env: { ...m.env, GOWORK: 'off', GOTOOLCHAIN: 'local' }, cwd: dir, encoding: 'utf8', windowsHide: true, timeout: 30_000,
  })
  if (asked.status !== 0) {
    const why = asked.error?.code === 'ENOENT' ? 'no Go to build it with' : `go env fails: ${asked.error?.message || last(asked.stderr)}`
    m.warn(`without modferry: there is no program for this job, and ${why}. ${spared}`)
    return undefined
  }
  const settings = JSON.parse(asked.stdout)
  const file = m.path.join(dir, `modferry${suffix(m.platform)}`)
  const args = version ? ['install', '-trimpath', `${modulePath}/cmd/modferry@v${version}`] : ['build', '-trimpath', '-buildvcs=false', '-o', file, './cmd/modferry']
  m.log(`builds modferry ${version || 'of this commit'} with ${settings.GOVERSION}, for ${limit / 60_000} minutes at most`)
  const began = Date.now()
  // Not with windowsHide: without the console it would not be told when the step is cancelled.
  const go = spawn('go', args, { env: cleanly(m.env, settings, dir), cwd: version ? dir : m.root, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  go.stderr.setEncoding('utf8').on('data', (text) => { said = (said + text).slice(-4096) })
  const { code, late, cancelled } = await ended(go, limit)
  if (cancelled) throw new Cancelled()
  const sha256 = code === 0 && hashOf(file)
  if (!sha256) {
    const why = late ? `takes longer than ${limit / 60_000} minutes` : `fails: ${last(said) || 'it says nothing'}`
    m.warn(`without modferry: go ${args.join(' ')} ${why}. ${spared}`)
    return undefined
  }
  m.log(`uses modferry ${version || 'of this commit'}, built with ${settings.GOVERSION} in ${Math.round((Date.now() - began) / 1000)} s`)
  return { file, sha256 }
}

/**
 * cleanly is the environment of a build for this machine: GOFLAGS, GOOS and the like of
 * the job are about something else, and what keeps a module from being verified must
 * not hold for a program that gets the job's secrets.
 */
function cleanly(env, settings, dir) {
  const clean = Object.fromEntries(Object.entries(env).filter(([name]) => !/^(GO|CGO_|INPUT_|ACTIONS_)/i.test(name)))
  for (const name of ['GOPROXY', 'GOAUTH', 'GOCACHE', 'GOMODCACHE', 'GOPATH']) if (settings[name]) clean[name] = settings[name]
  if (settings.GOSUMDB !== 'off') clean.GOSUMDB = settings.GOSUMDB
  // setup-go exports GOTOOLCHAIN=local; an older Go then could not build it.
  return { ...clean, GOENV: 'off', GOBIN: dir, GOWORK: 'off', GOTOOLCHAIN: 'auto', CGO_ENABLED: '0' }
}

const last = (text) => text?.trim().split('\n').at(-1)

const digest = (data) => crypto.createHash('sha256').update(data).digest('hex')

/** hashOf is the SHA-256 of a file in hex, undefined where there is none. */
function hashOf(file) {
  try {
    return fs.statSync(file).isFile() ? digest(fs.readFileSync(file)) : undefined
  } catch {
    return undefined
  }
}

/** runs reports whether a file is a program to the system: copies of a tool cache may have lost that. */
function runs(file) {
  try {
    fs.accessSync(file, fs.constants.X_OK)
    return true
  } catch {
    return false
  }
}

module.exports = { asset, Cancelled, cleanly, find, hashOf, Mistake }
