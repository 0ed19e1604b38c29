'use strict'

// Finds the program: a file that the job names, the release's own, or one that the
// job's Go builds. A release is known by its hash, which is in this very commit: who
// pins the action pins the program, wherever its bytes come from.

const { spawnSync } = require('node:child_process')
const crypto = require('node:crypto')
const fs = require('node:fs')
const { certificates, download, shown } = require('./download')

const modulePath = 'github.com/modferry/modferry'
const releases = `https://${modulePath}/releases/download`

/** An error of the workflow, which fails the step. */
class Mistake extends Error {}

/**
 * find returns the path and the SHA-256 of the program, undefined when there is none.
 * m is the machine: env, platform, arch, path (of the platform), root (of the action),
 * log and warn; of download, what options say.
 */
async function find(m, options = {}) {
  const input = m.env.INPUT_BINARY?.trim()
  if (input) {
    const file = m.path.resolve(m.env.GITHUB_WORKSPACE || '', input)
    const sha256 = hashOf(file)
    if (!sha256) throw new Mistake(`input binary: found no file ${file}, expected the program`)
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
  return built(m, version)
}

/** asset is the name of the program among those of a release. */
function asset({ platform, arch }) {
  const os = { win32: 'windows' }[platform] ?? platform
  const cpu = { x64: 'amd64' }[arch] ?? arch
  return `modferry_${os}_${cpu}${suffix(platform)}`
}

const suffix = (platform) => (platform === 'win32' ? '.exe' : '')

async function released(m, version, name, want, options) {
  const dir = m.path.join(m.env.RUNNER_TOOL_CACHE || m.path.join(m.env.RUNNER_TEMP, 'modferry'), 'modferry', version, m.arch)
  const file = m.path.join(dir, `modferry${suffix(m.platform)}`)
  const found = hashOf(file)
  if (found === want) {
    m.log(`uses modferry ${version} of the tool cache`)
    return { file, sha256: want }
  }
  if (found) m.warn(`the tool cache has another file in the place of modferry ${version}, which is replaced`)
  const base = (m.env['INPUT_DOWNLOAD-URL']?.trim() || releases).replace(/\/+$/, '')
  const temp = `${file}.${process.pid}.part`
  let from = 'input download-url'
  try {
    const url = new URL(`${base}/v${version}/${name}`)
    from = shown(url)
    fs.mkdirSync(dir, { recursive: true })
    const got = await download(url, temp, { env: m.env, ca: trusted(m), log: m.log, ...options })
    if (got !== want) throw new Error(`${from}: found SHA-256 ${got}, expected ${want}, so it is not used`)
    fs.chmodSync(temp, 0o755)
    fs.renameSync(temp, file)
  } catch (err) {
    fs.rmSync(temp, { force: true })
    if (hashOf(file) !== want) { // another job of this machine may have been faster
      m.warn(`cannot download modferry ${version}: ${err.message}`)
      return undefined
    }
  }
  m.log(`uses modferry ${version} from ${from}`)
  return { file, sha256: want }
}

function trusted(m) {
  const file = m.env['INPUT_CA-FILE']?.trim() || m.env.MODFERRY_CA_FILE
  return certificates(file ? [m.path.resolve(m.env.GITHUB_WORKSPACE || '', file)] : [], m.env)
}

/** built is the program as the job's Go makes it: of a release, or of the commit of the action. */
function built(m, version) {
  const asked = run('go', ['env', '-json', 'GOPROXY', 'GOSUMDB', 'GOCACHE', 'GOMODCACHE', 'GOPATH', 'GOVERSION'], { env: m.env })
  if (asked.status !== 0) {
    m.warn('without modferry: there is no program for this job, and no Go to build it with')
    return undefined
  }
  const settings = JSON.parse(asked.stdout)
  const dir = m.path.join(m.env.RUNNER_TEMP, 'modferry', 'built')
  fs.mkdirSync(dir, { recursive: true })
  const file = m.path.join(dir, `modferry${suffix(m.platform)}`)
  const args = version ? ['install', '-trimpath', `${modulePath}/cmd/modferry@v${version}`] : ['build', '-trimpath', '-buildvcs=false', '-o', file, './cmd/modferry']
  const began = Date.now()
  const made = run('go', args, { env: cleanly(m.env, settings, dir), cwd: version ? dir : m.root, timeout: 300_000 })
  const sha256 = made.status === 0 && hashOf(file)
  if (!sha256) {
    m.warn(`without modferry: go ${args.join(' ')} fails: ${made.error?.message || last(made.stderr) || 'it says nothing'}`)
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
  for (const name of ['GOPROXY', 'GOCACHE', 'GOMODCACHE', 'GOPATH']) clean[name] = settings[name]
  if (settings.GOSUMDB !== 'off') clean.GOSUMDB = settings.GOSUMDB
  // setup-go exports GOTOOLCHAIN=local; an older Go then could not build it.
  return { ...clean, GOENV: 'off', GOBIN: dir, GOWORK: 'off', GOTOOLCHAIN: 'auto', CGO_ENABLED: '0' }
}

function run(command, args, options) {
  return spawnSync(command, args, { encoding: 'utf8', maxBuffer: 16 << 20, windowsHide: true, ...options })
}

const last = (text) => text?.trim().split('\n').at(-1)

/** hashOf is the SHA-256 of a file in hex, undefined where there is none. */
function hashOf(file) {
  try {
    return crypto.createHash('sha256').update(fs.readFileSync(file)).digest('hex')
  } catch {
    return undefined
  }
}

module.exports = { asset, cleanly, find, hashOf, Mistake }
