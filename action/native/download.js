'use strict'

// Downloads a file over HTTP: through a forward proxy where the environment names
// one, which node itself does not do in the versions that runners have, and again
// where the server is busy. What arrives is the caller's to verify.

const fs = require('node:fs')
const http = require('node:http')
const https = require('node:https')
const net = require('node:net')
const tls = require('node:tls')

const redirects = 5
const largest = 128 << 20 // far above the size of the program, which is held in memory

/** A failure with what to do about it: again is how many attempts make sense. */
class Failure extends Error {
  constructor(message, { again = 1, after } = {}) {
    super(message)
    this.again = again
    this.after = after // milliseconds that the server asks for
  }
}

/**
 * download returns the bytes at url.
 * options: env, ca (an array of PEM texts, undefined for node's own), log, and for
 * tests attempts, pause (ms, doubled each time), idle (ms without a byte), total (ms).
 */
async function download(url, options = {}) {
  const o = { env: process.env, log: () => {}, attempts: 5, pause: 1000, idle: 20_000, total: 120_000, ...options }
  const end = Date.now() + o.total
  o.signal = AbortSignal.timeout(o.total)
  for (let attempt = 1; ; attempt++) {
    try {
      return await once(new URL(url), o)
    } catch (err) {
      const wait = err.after ?? o.pause * 2 ** (attempt - 1)
      if (attempt >= Math.min(err.again ?? 1, o.attempts) || Date.now() + wait > end) throw err
      o.log(`${err.message}; again in ${Math.ceil(wait / 1000)} s`)
      await new Promise((resolve) => setTimeout(resolve, wait))
    }
  }
}

async function once(url, o) {
  for (let hop = 0; ; hop++) {
    const response = await get(url, o)
    const status = response.statusCode
    if (status === 200) return receive(url, response, o)
    response.destroy() // without its text, which may have no end
    const { location } = response.headers
    if (status < 300 || status >= 400 || !location) {
      throw new Failure(`${shown(url)}: HTTP status ${status}`, {
        again: busy(status), after: retryAfter(response.headers['retry-after']),
      })
    }
    if (hop === redirects) throw new Failure(`${shown(url)}: more than ${redirects} redirects`)
    url = onward(url, location)
  }
}

/** onward is where a redirect leads: not out of TLS, and with credentials to nobody but who had them. */
function onward(from, location) {
  const to = parsed(location, `${shown(from)}: the place that it redirects to`, from)
  if (from.protocol === 'https:' && to.protocol !== 'https:') throw new Failure(`${shown(from)}: redirects to ${shown(to)}, out of TLS`)
  const same = to.origin === from.origin
  to.username = same ? from.username : ''
  to.password = same ? from.password : ''
  return to
}

/** parsed is a URL of HTTP, as what says. Its text may hold a password, so no error shows it. */
function parsed(text, what, base) {
  let url
  try {
    url = new URL(text, base)
  } catch {
    // said below
  }
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new Failure(`${what}: found ${url ? `${url.protocol}//…` : 'no URL'}, expected one with http:// or https://`)
  }
  return url
}

async function receive(url, response, o) {
  const chunks = []
  let size = 0
  try {
    for await (const chunk of response) {
      if ((size += chunk.length) > largest) throw new Failure(`${shown(url)}: more than ${largest} bytes`)
      chunks.push(chunk)
    }
  } catch (err) {
    throw err instanceof Failure ? err : network(url, err, o)
  }
  return Buffer.concat(chunks)
}

/** retryAfter reads the header, in milliseconds and not above half a minute. */
function retryAfter(text) {
  if (!text) return undefined
  const wait = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now()
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), 30_000)
}

async function get(url, o) {
  const secure = url.protocol === 'https:'
  const proxy = proxyFor(url, o.env)
  const headers = { Host: url.host, 'User-Agent': 'modferry-action' }
  if (url.username) headers.Authorization = basic(url)
  // With an agent of its own, no setting of node's diverts it.
  const options = { ...at(url), path: `${url.pathname}${url.search}`, headers, ca: o.ca, agent: false, timeout: o.idle, signal: o.signal }
  if (proxy && secure) {
    const socket = await tunnel(url, proxy, o)
    const { host } = options
    options.agent = undefined // or it would be asked for the connection
    // The certificate is that of the host, whatever the tunnel is connected to.
    options.createConnection = () => tls.connect({ socket, host, servername: net.isIP(host) ? undefined : host, ca: o.ca }).setTimeout(o.idle)
  } else if (proxy) {
    Object.assign(options, at(proxy), { path: `${url.origin}${url.pathname}${url.search}` })
    if (proxy.username) headers['Proxy-Authorization'] = basic(proxy)
  }
  return new Promise((resolve, reject) => {
    const request = client(options).get(options, resolve)
    request.on('timeout', () => request.destroy(silence(request, o)))
    request.on('error', (err) => reject(network(proxy && !secure ? proxy : url, err, o)))
  })
}

/** at is a server, in the options of a request. */
const at = ({ protocol, hostname, port }) => ({ protocol, host: bare(hostname), port: port || (protocol === 'https:' ? 443 : 80) })

const client = ({ protocol }) => (protocol === 'https:' ? https : http)

/** tunnel is a connection to the server of url through a forward proxy. */
function tunnel(url, proxy, o) {
  const place = `${url.hostname}:${url.port || 443}`
  const headers = { Host: place }
  if (proxy.username) headers['Proxy-Authorization'] = basic(proxy)
  return new Promise((resolve, reject) => {
    const request = client(proxy).request({
      ...at(proxy), method: 'CONNECT', path: place, headers, ca: o.ca, agent: false, timeout: o.idle, signal: o.signal,
    })
    request.on('timeout', () => request.destroy(silence(request, o)))
    request.on('error', (err) => reject(network(proxy, err, o)))
    request.on('connect', (response, socket, head) => {
      const status = response.statusCode
      if (status >= 200 && status < 300) {
        if (head.length) socket.unshift(head)
        resolve(socket)
        return
      }
      socket.destroy()
      reject(new Failure(`the forward proxy ${proxy.host} refuses a tunnel to ${place}: HTTP status ${status}`, { again: busy(status) }))
    })
    request.end()
  })
}

/** busy is how many attempts make sense after a status. */
const busy = (status) => (status === 408 || status === 429 || status >= 500 ? Infinity : 1)

// How many attempts make sense where a host cannot be reached at all, as from a machine
// without internet.
const noConnection = 'no connection'
const unreachable = { [noConnection]: 1, ECONNREFUSED: 2, EHOSTUNREACH: 2, ENETUNREACH: 2, ENOTFOUND: 2, EAI_AGAIN: 3 }

/** silence is what to say of a request that nobody answers. */
function silence(request, o) {
  const waited = `for ${o.idle / 1000} s`
  // The system has knocked several times meanwhile: a firewall drops what we send.
  if (request.socket?.connecting) return Object.assign(new Error(`no connection ${waited}`), { code: noConnection })
  return new Error(`nothing received ${waited}`)
}

/** network is a failure of the connection. A certificate that is not trusted stays so. */
function network(url, err, o) {
  if (o.signal.aborted) return new Failure(`${shown(url)}: not received within ${o.total / 1000} s`)
  const distrust = /CERT|SIGNATURE|ALTNAME/.test(err.code || '')
  const hint = distrust ? '; set input ca-file to the CA certificates of your network' : ''
  return new Failure(`${shown(url)}: ${err.message || err.code}${hint}`, { again: distrust ? 1 : unreachable[err.code] ?? Infinity })
}

/** proxyFor is the forward proxy for a URL, as Go finds it; undefined for none. */
function proxyFor(url, env) {
  const name = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY'
  const text = either(env, name)
  if (!text || passes(url, either(env, 'NO_PROXY') || '')) return undefined
  return parsed(text.includes('://') ? text : `http://${text}`, name)
}

const either = (env, name) => env[name] || env[name.toLowerCase()]

/** passes reports whether a URL is not for the forward proxy. */
function passes(url, list) {
  const host = bare(url.hostname)
  if (host === 'localhost' || /^127\./.test(host) || host === '::1') return true
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  return list.split(',').map((s) => s.trim().toLowerCase()).filter(Boolean).some((entry) => {
    if (entry === '*') return true
    const [, name, only] = net.isIP(entry) ? [entry, entry] : /^(.*?)(?::(\d+))?$/.exec(entry)
    if (net.isIP(host) && entry.includes('/')) return inRange(host, entry)
    if (only && only !== port) return false
    if (net.isIP(host)) return host === bare(name)
    const domain = name.replace(/^\*?\./, '')
    return host.endsWith(`.${domain}`) || (host === domain && domain === name)
  })
}

function inRange(address, range) {
  const [first, bits] = range.split('/')
  const version = net.isIP(first)
  if (!version || version !== net.isIP(address)) return false
  const block = new net.BlockList()
  try {
    block.addSubnet(first, Number(bits), `ipv${version}`)
  } catch {
    return false
  }
  return block.check(address, `ipv${version}`)
}

const bare = (host) => host.replace(/^\[|\]$/g, '')
const basic = (url) => `Basic ${Buffer.from(`${decoded(url.username)}:${decoded(url.password)}`).toString('base64')}`

/** decoded is what a part of a URL stands for: itself, where a % of it is none of the encoding. */
function decoded(text) {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** shown is a URL for people: without password, and without the signature that redirects carry. */
const shown = (url) => `${url.origin}${url.pathname}`

/**
 * certificates are the CA certificates to trust: node's own, those of the system and
 * those of file, undefined for none. An error means that file cannot be read.
 */
function certificates(file, env, trust = tls) {
  const added = file ? [fs.readFileSync(file, 'utf8')] : []
  if (trust.getCACertificates) return [...new Set([...trust.getCACertificates('default'), ...trust.getCACertificates('system'), ...added])]
  const system = [env.NODE_EXTRA_CA_CERTS, env.SSL_CERT_FILE, ...bundles].filter((name) => name && fs.existsSync(name))
  return [...new Set([...trust.rootCertificates, ...system.map((name) => fs.readFileSync(name, 'utf8')), ...added])]
}

// Where Linux systems keep theirs; node reads them only since 22.15.
const bundles = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/ca-bundle.pem', '/etc/ssl/cert.pem']

module.exports = { certificates, download, onward, parsed, passes, proxyFor, retryAfter, shown }
