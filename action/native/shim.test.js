'use strict'

// The shim on platforms that this machine is not, and what it says to the network.
// The jobs of internal/e2e run it as a whole. Run with: node --test

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const crypto = require('node:crypto')
const fs = require('node:fs')
const http = require('node:http')
const https = require('node:https')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')
const { test } = require('node:test')
const { asset, Cancelled, cleanly, find, hashOf, Mistake } = require('./binary')
const { certificates, download, onward, passes, proxyFor, retryAfter, shown } = require('./download')
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
const scripts = { skip: process.platform === 'win32' && 'scripts stand for programs' }

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
  await assert.rejects(find(m), (err) => err instanceof Mistake && /which does not run: .+; expected the program for win32 on x64/.test(err.message))
  assert.deepEqual(asked, ['D:\\a\\app\\app\\tools\\modferry.exe'])
  await assert.rejects(find({ ...m, path, env: { INPUT_BINARY: '/none/such' } }), Mistake)
})

test('the program of an input is one that runs here', scripts, async (t) => {
  const dir = temp(t)
  for (const [name, text, mode, why] of [
    ['modferry', '#!/bin/sh\necho modferry 1.2.3', 0o755],
    ['other', '#!/bin/sh\necho other 1.2.3', 0o755, 'it does not say its version'],
    ['broken', '#!/bin/sh\necho first >&2\necho it is broken >&2\nexit 2', 0o755, 'it is broken'],
    ['elsewhere', '\x7fELF of another machine', 0o755, ''], // which a shell is given
    ['text', '#!/bin/sh\necho modferry 1.2.3', 0o644, 'EACCES'],
  ]) {
    const file = path.join(dir, name)
    fs.writeFileSync(file, text, { mode })
    const m = { env: { INPUT_BINARY: name, GITHUB_WORKSPACE: dir, PATH: process.env.PATH }, platform: 'linux', arch: 'x64', path, log() {}, warn() {} }
    if (why === undefined) assert.deepEqual(await find(m), { file, sha256: hashOf(file) })
    else await assert.rejects(find(m), (err) => err instanceof Mistake && err.message.includes(`${file}, which does not run: `) && err.message.includes(why))
  }
})

/** machine is one with a release of the action whose program is these bytes. */
function machine(t, bytes, more = {}) {
  const root = temp(t)
  const m = { env: { RUNNER_TOOL_CACHE: path.join(root, 'tools'), RUNNER_TEMP: root }, platform: 'win32', arch: 'x64', path, root, said: [], warned: [], ...more }
  m.log = (line) => m.said.push(line)
  m.warn = (line) => m.warned.push(line)
  const dir = path.join(root, 'action', 'native')
  fs.mkdirSync(dir, { recursive: true })
  m.sha256 = crypto.createHash('sha256').update(bytes).digest('hex')
  fs.writeFileSync(path.join(dir, 'checksums.json'), JSON.stringify({ version: '1.2.3', files: { [asset(m)]: m.sha256 } }))
  m.cached = path.join(root, 'tools', 'modferry', '1.2.3', 'x64', m.platform === 'win32' ? 'modferry.exe' : 'modferry')
  return m
}

test('the tool cache of another platform is used by its own rules', async (t) => {
  const m = machine(t, 'a program')
  fs.mkdirSync(path.dirname(m.cached), { recursive: true })
  fs.writeFileSync(m.cached, 'a program', { mode: 0o755 })
  assert.deepEqual(await find(m), { file: m.cached, sha256: m.sha256 })
  assert.deepEqual([m.said, m.warned], [['uses modferry 1.2.3 of the tool cache'], []])
})

test('a program is put where it can be, and runs there', async (t) => {
  const host = await serve(t, (_, response) => response.end('a program'))
  const m = machine(t, 'a program', { platform: 'linux' })
  m.env['INPUT_DOWNLOAD-URL'] = host.url
  // A copy of the cache that has lost its modes.
  fs.mkdirSync(path.dirname(m.cached), { recursive: true })
  fs.writeFileSync(m.cached, 'a program', { mode: 0o644 })
  assert.equal((await find(m, quick)).file, m.cached)
  fs.accessSync(m.cached, fs.constants.X_OK)
  // One that nobody can write to: it is no directory.
  const other = machine(t, 'a program', { platform: 'linux' })
  other.env['INPUT_DOWNLOAD-URL'] = host.url
  fs.writeFileSync(other.env.RUNNER_TOOL_CACHE, '')
  const { file } = await find(other, quick)
  assert.equal(path.relative(other.env.RUNNER_TEMP, file), path.join('modferry', 'tools', 'modferry', '1.2.3', 'x64', 'modferry'))
  // One where nothing may be run: it is mounted so.
  const mounted = machine(t, 'a program', { platform: 'linux' })
  mounted.env['INPUT_DOWNLOAD-URL'] = host.url
  const access = fs.accessSync
  t.mock.method(fs, 'accessSync', (name, mode) => {
    if (name.startsWith(mounted.env.RUNNER_TOOL_CACHE)) throw new Error('EACCES')
    return access(name, mode)
  })
  assert.match((await find(mounted, quick)).file, /modferry.tools.modferry/)
  assert.deepEqual([m.warned, other.warned, mounted.warned], [[], [], []])
})

test('a mirror may be behind a signature, or a login', async (t) => {
  const host = await serve(t, (request, response) => response.end(request.url.includes('sig=') ? 'a program' : '\n<!DOCTYPE html>'))
  const m = machine(t, 'a program', { platform: 'linux' })
  m.env['INPUT_DOWNLOAD-URL'] = `${host.url}/go/?sig=s3cret`
  assert.equal((await find(m, quick)).file, m.cached)
  assert.equal(host.requests[0].url, '/go/v1.2.3/modferry_linux_amd64?sig=s3cret')
  assert.ok(!m.said.join().includes('s3cret'))
  const other = machine(t, 'a program', { platform: 'linux' })
  other.env = { ...other.env, 'INPUT_DOWNLOAD-URL': host.url, PATH: '' }
  assert.equal(await find(other, quick), undefined)
  assert.match(other.warned[0], /found a web page, as of a login, expected SHA-256/)
})

test('jobs that share a tool cache do not disturb each other', async (t) => {
  const host = await serve(t, (_, response) => response.end('a program'))
  const m = machine(t, 'a program')
  m.env['INPUT_DOWNLOAD-URL'] = host.url
  const all = await Promise.all(Array.from({ length: 5 }, () => find(m, quick)))
  for (const found of all) assert.deepEqual(found, { file: m.cached, sha256: m.sha256 })
  assert.deepEqual(fs.readdirSync(path.dirname(m.cached)), ['modferry.exe'])
  assert.equal(hashOf(m.cached), m.sha256)
})

test('an address that cannot be meant fails the step, and is not shown', async (t) => {
  for (const url of ['files.corp.test/s3cret', 'ftp://me:s3cret@files.test', 's3cret']) {
    const m = machine(t, 'a program')
    m.env['INPUT_DOWNLOAD-URL'] = url
    await assert.rejects(find(m, quick), (err) => err instanceof Mistake && /input download-url: found .*, expected/.test(err.message) && !err.message.includes('s3cret'))
  }
})

/** withGo is a machine without a release, whose Go does what a script says. */
function withGo(t, script) {
  const m = machine(t, 'a program', { platform: 'linux' })
  fs.writeFileSync(path.join(m.root, 'action', 'native', 'checksums.json'), '{"version": "", "files": {}}')
  m.started = path.join(m.root, 'started')
  fs.writeFileSync(path.join(m.root, 'go'), `#!/bin/sh
if [ "$1" = env ]; then pwd >"${m.root}/asked"; echo '{"GOVERSION": "go1.99"}'; exit; fi
touch "${m.started}"
${script}
`, { mode: 0o755 })
  m.env = { ...m.env, PATH: `${m.root}${path.delimiter}${process.env.PATH}` }
  return m
}

test('a build that takes too long, or fails, is left out', scripts, async (t) => {
  const slow = withGo(t, 'exec sleep 600')
  assert.equal(await find(slow, { longest: 300 }), undefined)
  assert.match(slow.warned.join(), /^without modferry: go build .* takes longer than 0\.005 minutes\. With input binary/)
  assert.match(path.relative(fs.realpathSync(slow.root), fs.readFileSync(path.join(slow.root, 'asked'), 'utf8').trim()), /^modferry.built-\w+$/) // no checkout
  const broken = withGo(t, 'echo first >&2; echo it is broken >&2; exit 1')
  assert.equal(await find(broken), undefined)
  assert.match(broken.warned.join(), /fails: it is broken\. With/)
})

test('a build is cancelled with the step', scripts, async (t) => {
  const m = withGo(t, 'exec sleep 600')
  const found = find(m)
  while (!fs.existsSync(m.started)) await new Promise((resolve) => setTimeout(resolve, 5))
  process.emit('SIGTERM', 'SIGTERM')
  await assert.rejects(found, Cancelled)
  assert.deepEqual(m.warned, [])
  assert.equal(process.listenerCount('SIGTERM'), 0)
})

test('what nobody foresaw does not fail the step', (t) => {
  const odd = path.join(temp(t), 'odd.js')
  fs.writeFileSync(odd, "setImmediate(() => { throw new Error('odd') })")
  const env = { RUNNER_TEMP: temp(t), GITHUB_STATE: path.join(temp(t), 'state'), PATH: '', SystemRoot: process.env.SystemRoot ?? '' }
  for (const script of ['main.js', 'post.js']) {
    const { status, stdout } = spawnSync(process.execPath, ['-r', odd, path.join(__dirname, script)], { env, encoding: 'utf8' })
    assert.equal(status, 0)
    assert.match(stdout, /::warning title=modferry::.*: odd/)
  }
})

test('a build of the program is verified, whatever the job has set', () => {
  const env = {
    PATH: '/bin', GOFLAGS: '-mod=vendor', GOOS: 'plan9', GOARCH: 'arm', GOPRIVATE: '*', GONOSUMDB: '*', GOINSECURE: '*', GOTOOLCHAIN: 'local',
    CGO_CFLAGS: '-x', ACTIONS_RUNTIME_TOKEN: 'secret', 'INPUT_NETRC': 'secret', HTTPS_PROXY: 'http://proxy.test',
  }
  const settings = { GOPROXY: 'https://goproxy.test', GOSUMDB: 'off', GOAUTH: 'git', GOCACHE: '/c', GOMODCACHE: '/m', GOPATH: '/p' }
  assert.deepEqual(cleanly(env, settings, '/b'), {
    PATH: '/bin', HTTPS_PROXY: 'http://proxy.test', GOPROXY: 'https://goproxy.test', GOAUTH: 'git', GOCACHE: '/c', GOMODCACHE: '/m', GOPATH: '/p',
    GOENV: 'off', GOBIN: '/b', GOWORK: 'off', GOTOOLCHAIN: 'auto', CGO_ENABLED: '0',
  })
  assert.equal(cleanly(env, { ...settings, GOSUMDB: 'sum.corp.test+1+k' }, '/b').GOSUMDB, 'sum.corp.test+1+k')
})

test('the forward proxy is found as by Go', () => {
  const env = { https_proxy: 'http://me:s3cret@proxy.test:3128', HTTP_PROXY: 'proxy.test', NO_PROXY: '.corp.test, *.star.test, direct.test:8443 ,10.0.0.0/8,fd00::/8,fe80::7,192.0.2.1:8443,[fe80::8]:8443' }
  const at = (url, more) => proxyFor(new URL(url), { ...env, ...more })?.href
  assert.equal(at('https://a.test/x'), 'http://me:s3cret@proxy.test:3128/')
  assert.equal(at('http://a.test/x'), 'http://proxy.test/')
  for (const url of ['https://x.corp.test/', 'https://direct.test:8443/', 'https://10.1.2.3/', 'https://[fd00::1]/', 'https://x.star.test/', 'https://[fe80::7]/', 'https://192.0.2.1:8443/', 'https://[fe80::8]:8443/', 'http://127.0.0.1:80/', 'http://localhost/', 'http://[::1]/']) {
    assert.equal(at(url), undefined, url)
  }
  for (const url of ['https://corp.test/', 'https://star.test/', 'https://192.0.2.1/', 'https://[fe80::8]/', 'https://[fe80::9]/', 'https://xcorp.test/', 'https://direct.test/', 'https://11.1.2.3/']) assert.ok(at(url), url)
  assert.equal(at('https://a.test/', { NO_PROXY: '*' }), undefined)
  assert.equal(passes(new URL('https://a.b.test/'), 'b.test'), true)
  assert.equal(at('https://a.test/', { HTTPS_PROXY: 'http://upper.test' }), 'http://upper.test/')
  assert.throws(() => at('https://a.test/', { https_proxy: 'socks5://p.test' }), /socks5/)
  assert.throws(() => at('https://a.test/', { https_proxy: 'http://me:s3cret@[' }), (err) => /HTTPS_PROXY: found no URL/.test(err.message) && !/s3cret/.test(err.message))
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
  assert.equal(String(await download(first.url.replace('//', '//me:pw@'), quick)), 'a program')
  assert.match(first.requests[0].headers.authorization, /^Basic /)
  assert.equal(other.requests[0].headers.authorization, undefined)
  assert.equal(shown(new URL(`${other.url}/signed?sig=s3cret`)), `${other.url}/signed`)
})

test('a redirect leads to no other protocol, and not out of TLS', () => {
  const from = new URL('https://me:pw@releases.test/a?sig=s3cret')
  assert.equal(onward(from, '/b').href, 'https://me:pw@releases.test/b')
  assert.equal(onward(from, 'https://releases.test/b').href, 'https://me:pw@releases.test/b') // as nginx writes it
  for (const to of ['https://other:pw@files.test/b', 'https://releases.test:8443/b']) {
    assert.deepEqual([onward(from, to).username, onward(from, to).password], ['', ''])
  }
  assert.throws(() => onward(from, 'http://releases.test/b'), /out of TLS/)
  for (const to of ['ftp://files.test/b', 'file:///etc/passwd', 'http://[']) {
    assert.throws(() => onward(new URL('http://releases.test/a?sig=s3cret'), to), (err) => /the place that it redirects to/.test(err.message) && !/s3cret/.test(err.message))
  }
})

test('a plain request goes through a forward proxy with its password', async (t) => {
  const proxy = await serve(t, (_, response) => response.end('a program'))
  const env = { http_proxy: proxy.url.replace('//', '//me:s%40cret@') }
  await download('http://files.test/v1/modferry?x=1', { ...quick, env })
  const [request] = proxy.requests
  assert.equal(request.url, 'http://files.test/v1/modferry?x=1')
  assert.equal(request.headers.host, 'files.test')
  assert.equal(request.headers['proxy-authorization'], `Basic ${Buffer.from('me:s@cret').toString('base64')}`)
  assert.equal(request.headers.authorization, undefined)
})

/** tunnels is a forward proxy that opens every tunnel, and does with it what answer does. */
async function tunnels(t, answer) {
  const sockets = new Set()
  const server = net.createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      answer(socket)
    })
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    sockets.forEach((socket) => socket.destroy())
    return new Promise((resolve) => server.close(resolve))
  })
  return { https_proxy: `http://127.0.0.1:${server.address().port}` }
}

/** gets is the request that the download makes next by a module. */
function gets(t, module) {
  const asked = {}, { get } = module
  t.mock.method(module, 'get', (...args) => (asked.request = get(...args)))
  return asked
}

test('a tunnel that breaks, or in which nobody answers, is a failure like others', async (t) => {
  const asked = gets(t, https)
  let limit
  const silent = await tunnels(t, (socket) => socket.once('data', () => { // the client speaks first
    limit = asked.request.socket.timeout
    asked.request.socket.emit('timeout')
  }))
  await assert.rejects(download('https://files.test/x', { ...quick, env: silent, attempts: 1 }), /files\.test\/x: nothing received for 20 s/)
  assert.equal(limit, 20_000)
  const broken = await tunnels(t, (socket) => socket.resetAndDestroy())
  await assert.rejects(download('https://files.test/x', { ...quick, env: broken, attempts: 2 }), /files\.test\/x: /)
})

test('a download ends, however slowly it goes on', async (t) => {
  const over = new AbortController()
  t.mock.method(AbortSignal, 'timeout', () => over.signal)
  const server = await serve(t, (_, response) => {
    response.writeHead(200, { 'content-length': 1e6 })
    response.write('.', () => over.abort())
  })
  await assert.rejects(download(server.url, quick), /not received within 120 s/)
  assert.equal(server.requests.length, 1)
})

test('what cannot be had is tried as often as it makes sense', async (t) => {
  for (const [status, attempts] of [[404, 1], [403, 1], [429, 3], [500, 3], [503, 3]]) {
    const server = await serve(t, (_, response) => response.writeHead(status).end())
    await assert.rejects(download(server.url, { ...quick, attempts: 3 }), new RegExp(`HTTP status ${status}`))
    assert.equal(server.requests.length, attempts, `${status}`)
  }
  const endless = await serve(t, (request, response) => response.writeHead(302, { location: request.url }).end())
  await assert.rejects(download(endless.url, quick), /more than 5 redirects/)
  const asked = gets(t, http)
  const silent = await serve(t, () => asked.request.emit('timeout'))
  await assert.rejects(download(silent.url, { ...quick, attempts: 1 }), /nothing received/)
  const said = []
  await assert.rejects(download('http://127.0.0.1:1/', { ...quick, log: (line) => said.push(line) }), /ECONNREFUSED/)
  assert.equal(said.length, 1) // once more, and no longer
  await assert.rejects(download('no URL', { ...quick, log: (line) => said.push(line) }), TypeError) // as what nobody foresaw
  assert.equal(said.length, 1)
})

test('a password with a % is one, whatever follows it', async (t) => {
  const host = await serve(t, (_, response) => response.end('a program'))
  await download(host.url.replace('//', '//me:100%@'), quick)
  assert.equal(host.requests[0].headers.authorization, `Basic ${Buffer.from('me:100%').toString('base64')}`)
})

test('over TLS the server and the forward proxy are asked as without', async (t) => {
  const dir = temp(t)
  const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=files.test', '-addext', 'subjectAltName=DNS:files.test,IP:127.0.0.1', '-keyout', 'key.pem', '-out', 'cert.pem'], { cwd: dir })
  if (made.status !== 0) return t.skip('openssl makes no certificate here')
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => fs.readFileSync(path.join(dir, name), 'utf8'))
  const asked = [], tunnels = []
  const server = https.createServer({ key, cert }, (request, response) => {
    asked.push([request.method, request.url, request.headers.host])
    response.end('a program')
  })
  server.on('connect', (_, socket) => { // to itself
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
    const there = net.connect(server.address().port, '127.0.0.1')
    for (const [one, other] of [[socket, there], [there, socket]]) one.on('error', () => other.destroy()).pipe(other)
    tunnels.push(socket, there)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    tunnels.forEach((socket) => socket.destroy())
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  const proxy = `https://127.0.0.1:${server.address().port}`
  const options = { ...quick, ca: [cert], env: { http_proxy: proxy, https_proxy: proxy } }
  await download('http://files.test/x?y=1', options)
  await download('https://files.test/x?y=1', options)
  assert.deepEqual(asked, [['GET', 'http://files.test/x?y=1', 'files.test'], ['GET', '/x?y=1', 'files.test']])
})

test('certificates of the system and of files add to those of node', (t) => {
  const file = path.join(temp(t), 'ca.pem')
  fs.writeFileSync(file, 'of a file')
  const newer = { getCACertificates: (of) => [`of ${of}`, 'of both'] }
  assert.deepEqual(certificates(file, {}, newer), ['of default', 'of both', 'of system', 'of a file'])
  const older = { rootCertificates: ['of node'] }
  const all = certificates(undefined, { NODE_EXTRA_CA_CERTS: file, SSL_CERT_FILE: `${file}.none` }, older)
  assert.ok(all.includes('of node') && all.includes('of a file'))
  assert.throws(() => certificates(`${file}.none`, {}, newer), /ENOENT/) // which the job names
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

test('in a pod whose temporary files are copied, the relay is elsewhere', () => {
  const pod = { KUBERNETES_SERVICE_HOST: '10.0.0.1', RUNNER_TEMP: '/__w/_temp' }
  assert.equal(relay.place(pod, '/tmp'), path.join('/tmp', 'modferry'))
  for (const env of [{ ...pod, KUBERNETES_SERVICE_HOST: undefined }, { ...pod, RUNNER_TEMP: '/home/runner/_work/_temp' }]) {
    assert.equal(relay.place(env, '/tmp'), path.join(env.RUNNER_TEMP, 'modferry'))
  }
})

test('a relay that ends at once says so to who waits', async (t) => {
  const env = { ...process.env, RUNNER_TEMP: temp(t) }
  // node knows no such commands, and ends with an error.
  const dir = relay.start(process.execPath, env)
  while (!fs.existsSync(path.join(dir, 'ready.json'))) await new Promise((resolve) => setImmediate(resolve))
  assert.match(JSON.parse(fs.readFileSync(path.join(dir, 'ready.json'), 'utf8')).without, /ended at once \(1\)/)
})

test('a relay that nobody could tell to goes all the same', (t) => {
  const dir = path.join(temp(t), 'relay-1')
  fs.mkdirSync(dir)
  fs.writeFileSync(path.join(dir, 'ready.json'), '{}')
  const env = { ...process.env, STATE_binary: __filename, STATE_sha256: 'another', STATE_relay: dir }
  const { status, stdout } = spawnSync(process.execPath, [path.join(__dirname, 'post.js')], { env, encoding: 'utf8' })
  assert.equal(status, 0)
  assert.match(stdout, /is not the program of the main stage any more/)
  assert.equal(fs.existsSync(dir), false)
  relay.leave(dir) // which has gone
  relay.leave(undefined)
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
