'use strict'

// The shim on platforms that this machine is not, and what it says to the network.
// The jobs of internal/e2e run it as a whole. Run with: node --test

const assert = require('node:assert/strict')
const fs = require('node:fs')
const http = require('node:http')
const os = require('node:os')
const path = require('node:path')
const { test } = require('node:test')
const { asset, cleanly, find, hashOf, Mistake } = require('./binary')
const { certificates, download, passes, proxyFor, retryAfter, shown } = require('./download')
const relay = require('./relay')

/** temp is a directory that goes with the test. */
function temp(t) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'modferry-shim-'))
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** serve is a server that records its requests. */
async function serve(t, answer) {
  const requests = []
  const server = http.createServer((request, response) => {
    requests.push(request)
    answer(request, response)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return { url: `http://127.0.0.1:${server.address().port}`, requests }
}

const quick = { env: {}, pause: 1 }

test('every platform has its asset', () => {
  for (const [platform, arch, want] of [
    ['linux', 'x64', 'modferry_linux_amd64'],
    ['linux', 'arm64', 'modferry_linux_arm64'],
    ['darwin', 'arm64', 'modferry_darwin_arm64'],
    ['win32', 'x64', 'modferry_windows_amd64.exe'],
    ['win32', 'arm64', 'modferry_windows_arm64.exe'],
  ]) assert.equal(asset({ platform, arch }), want)
})

test('on Windows the program of an input is found below the workspace', async (t) => {
  const asked = []
  const windows = { ...path.win32, resolve: (...parts) => (asked.push(path.win32.resolve(...parts)), __filename) }
  const m = { env: { INPUT_BINARY: ' tools\\modferry.exe ', GITHUB_WORKSPACE: 'D:\\a\\app\\app' }, platform: 'win32', arch: 'x64', path: windows, log() {}, warn() {} }
  const program = await find(m)
  assert.deepEqual(asked, ['D:\\a\\app\\app\\tools\\modferry.exe'])
  assert.equal(program.sha256, hashOf(__filename))
  await assert.rejects(find({ ...m, path, env: { INPUT_BINARY: '/none/such' } }), Mistake)
})

test('the tool cache of another platform is used by its own rules', async (t) => {
  const root = temp(t)
  const dir = path.join(root, 'action', 'native')
  const tools = path.join(root, 'tools', 'modferry', '1.2.3', 'x64')
  fs.mkdirSync(dir, { recursive: true })
  fs.mkdirSync(tools, { recursive: true })
  fs.writeFileSync(path.join(tools, 'modferry.exe'), 'a program')
  const sha256 = hashOf(path.join(tools, 'modferry.exe'))
  fs.writeFileSync(path.join(dir, 'checksums.json'), JSON.stringify({ version: '1.2.3', files: { 'modferry_windows_amd64.exe': sha256 } }))
  const said = []
  const m = { env: { RUNNER_TOOL_CACHE: path.join(root, 'tools'), RUNNER_TEMP: root }, platform: 'win32', arch: 'x64', path, root, log: (s) => said.push(s), warn: assert.fail }
  assert.deepEqual(await find(m), { file: path.join(tools, 'modferry.exe'), sha256 })
  assert.deepEqual(said, ['uses modferry 1.2.3 of the tool cache'])
})

test('a build of the program is verified, whatever the job has set', () => {
  const env = {
    PATH: '/bin', GOFLAGS: '-mod=vendor', GOOS: 'plan9', GOARCH: 'arm', GOPRIVATE: '*', GONOSUMDB: '*', GOINSECURE: '*', GOTOOLCHAIN: 'local',
    CGO_CFLAGS: '-x', ACTIONS_RUNTIME_TOKEN: 'secret', 'INPUT_NETRC': 'secret', HTTPS_PROXY: 'http://proxy.test',
  }
  const settings = { GOPROXY: 'https://goproxy.test', GOSUMDB: 'off', GOCACHE: '/c', GOMODCACHE: '/m', GOPATH: '/p' }
  assert.deepEqual(cleanly(env, settings, '/b'), {
    PATH: '/bin', HTTPS_PROXY: 'http://proxy.test', GOPROXY: 'https://goproxy.test', GOCACHE: '/c', GOMODCACHE: '/m', GOPATH: '/p',
    GOENV: 'off', GOBIN: '/b', GOWORK: 'off', GOTOOLCHAIN: 'auto', CGO_ENABLED: '0',
  })
  assert.equal(cleanly(env, { ...settings, GOSUMDB: 'sum.corp.test+1+k' }, '/b').GOSUMDB, 'sum.corp.test+1+k')
})

test('the forward proxy is found as by Go and curl', () => {
  const env = { https_proxy: 'http://me:s3cret@proxy.test:3128', HTTP_PROXY: 'proxy.test', NO_PROXY: '.corp.test, direct.test:8443 ,10.0.0.0/8,fd00::/8' }
  const at = (url, more) => proxyFor(new URL(url), { ...env, ...more })?.href
  assert.equal(at('https://a.test/x'), 'http://me:s3cret@proxy.test:3128/')
  assert.equal(at('http://a.test/x'), 'http://proxy.test/')
  for (const url of ['https://x.corp.test/', 'https://direct.test:8443/', 'https://10.1.2.3/', 'https://[fd00::1]/', 'http://127.0.0.1:80/', 'http://localhost/', 'http://[::1]/']) {
    assert.equal(at(url), undefined, url)
  }
  for (const url of ['https://corp.test/', 'https://xcorp.test/', 'https://direct.test/', 'https://11.1.2.3/']) assert.ok(at(url), url)
  assert.equal(at('https://a.test/', { NO_PROXY: '*' }), undefined)
  assert.equal(passes(new URL('https://a.b.test/'), 'b.test'), true)
  assert.throws(() => at('https://a.test/', { https_proxy: 'socks5://p.test' }), /socks5/)
})

test('Retry-After is obeyed within reason', () => {
  assert.equal(retryAfter('3'), 3000)
  assert.equal(retryAfter('86400'), 30_000)
  assert.equal(retryAfter('Thu, 01 Jan 1970 00:00:00 GMT'), 0)
  assert.equal(retryAfter('soon'), undefined)
  assert.equal(retryAfter(undefined), undefined)
})

test('credentials go to no other host', async (t) => {
  const other = await serve(t, (_, response) => response.end('a program'))
  const first = await serve(t, (_, response) => response.writeHead(302, { location: `${other.url}/signed?sig=s3cret` }).end())
  const file = path.join(temp(t), 'program')
  const sha256 = await download(first.url.replace('//', '//me:pw@'), file, quick)
  assert.equal(sha256, hashOf(file))
  assert.match(first.requests[0].headers.authorization, /^Basic /)
  assert.equal(other.requests[0].headers.authorization, undefined)
  assert.equal(shown(new URL(`${other.url}/signed?sig=s3cret`)), `${other.url}/signed`)
})

test('a plain request goes through a forward proxy with its password', async (t) => {
  const proxy = await serve(t, (_, response) => response.end('a program'))
  const env = { http_proxy: proxy.url.replace('//', '//me:s%40cret@') }
  await download('http://files.test/v1/modferry?x=1', path.join(temp(t), 'program'), { ...quick, env })
  const [request] = proxy.requests
  assert.equal(request.url, 'http://files.test/v1/modferry?x=1')
  assert.equal(request.headers.host, 'files.test')
  assert.equal(request.headers['proxy-authorization'], `Basic ${Buffer.from('me:s@cret').toString('base64')}`)
  assert.equal(request.headers.authorization, undefined)
})

test('what cannot be had is tried as often as it makes sense', async (t) => {
  const file = path.join(temp(t), 'program')
  for (const [status, attempts] of [[404, 1], [403, 1], [429, 3], [500, 3], [503, 3]]) {
    const server = await serve(t, (_, response) => response.writeHead(status).end())
    await assert.rejects(download(server.url, file, { ...quick, attempts: 3 }), new RegExp(`HTTP status ${status}`))
    assert.equal(server.requests.length, attempts, `${status}`)
  }
  const endless = await serve(t, (request, response) => response.writeHead(302, { location: request.url }).end())
  await assert.rejects(download(endless.url, file, quick), /more than 5 redirects/)
  const silent = await serve(t, () => {})
  await assert.rejects(download(silent.url, file, { ...quick, attempts: 1, idle: 50 }), /nothing received/)
  const said = []
  await assert.rejects(download('http://127.0.0.1:1/', file, { ...quick, log: (line) => said.push(line) }), /ECONNREFUSED/)
  assert.equal(said.length, 1) // once more, and no longer
  assert.equal(fs.existsSync(file), false)
})

test('certificates of the system and of files add to those of node', (t) => {
  const file = path.join(temp(t), 'ca.pem')
  fs.writeFileSync(file, 'of a file')
  const newer = { getCACertificates: (of) => [`of ${of}`, 'of both'] }
  assert.deepEqual(certificates([file], {}, newer), ['of default', 'of both', 'of system', 'of a file'])
  const older = { rootCertificates: ['of node'] }
  const all = certificates([], { NODE_EXTRA_CA_CERTS: file }, older)
  assert.ok(all.includes('of node') && all.includes('of a file'))
})

test('the relay gets no token, and the environment of its process no secret', () => {
  const env = { GOPROXY: 'https://me:pw@goproxy.test', INPUT_NETRC: 'secret', INPUT_TOKEN: 'secret', ACTIONS_RUNTIME_TOKEN: 'secret', STATE_x: '1', RUNNER_TRACKING_ID: 'github_1', SystemRoot: 'C:\\Windows' }
  assert.deepEqual(relay.own(env), { RUNNER_TRACKING_ID: 'github_1', SystemRoot: 'C:\\Windows' })
  assert.deepEqual(Object.keys(relay.given(env)), ['GOPROXY', 'INPUT_NETRC', 'RUNNER_TRACKING_ID', 'SystemRoot'])
})

test('only a relay that GOPROXY names is joined', (t) => {
  const RUNNER_TEMP = temp(t)
  const dir = path.join(RUNNER_TEMP, 'modferry', 'relay-1')
  const url = 'http://127.0.0.1:4711/0123456789abcdef0123456789abcdef'
  assert.equal(relay.joined({ RUNNER_TEMP }), undefined)
  fs.mkdirSync(dir, { recursive: true })
  assert.equal(relay.joined({ RUNNER_TEMP, GOPROXY: `${url}|direct` }), undefined)
  fs.writeFileSync(path.join(dir, 'ready.json'), JSON.stringify({ url, pid: 1 }))
  assert.equal(relay.joined({ RUNNER_TEMP, GOPROXY: `${url}|direct` }), dir)
  assert.equal(relay.joined({ RUNNER_TEMP, GOPROXY: `${url},off,https://goproxy.test` }), dir) // with rules
  assert.equal(relay.joined({ RUNNER_TEMP, GOPROXY: 'https://goproxy.test|direct' }), undefined)
})

test('a relay that ends at once says so to who waits', async (t) => {
  const env = { ...process.env, RUNNER_TEMP: temp(t) }
  // node knows no such commands, and ends with an error.
  const dir = relay.start(process.execPath, env)
  while (!fs.existsSync(path.join(dir, 'ready.json'))) await new Promise((resolve) => setImmediate(resolve))
  assert.match(JSON.parse(fs.readFileSync(path.join(dir, 'ready.json'), 'utf8')).without, /ended at once \(1\)/)
})

test('the hashes are those of a release, or none', () => {
  const { version, files } = JSON.parse(fs.readFileSync(path.join(__dirname, 'checksums.json'), 'utf8'))
  if (!version) {
    assert.deepEqual(files, {})
    return
  }
  const names = ['linux', 'darwin', 'win32'].flatMap((platform) => ['x64', 'arm64'].map((arch) => asset({ platform, arch })))
  assert.deepEqual(Object.keys(files).sort(), names.sort())
  for (const hash of Object.values(files)) assert.match(hash, /^[0-9a-f]{64}$/)
})
