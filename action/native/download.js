'use strict'

// Downloads a file over HTTP: through a forward proxy where the environment names
// one, which node itself does not do in the versions that runners have, and again
// where the server is busy. What arrives is the caller's to verify.

const crypto = require('node:crypto')
const fs = require('node:fs')
const http = require('node:http')
const https = require('node:https')
const net = require('node:net')
const tls = require('node:tls')
const { pipeline } = require('node:stream/promises')

const redirects = 5
const largest = 256 << 20 // far above the size of the program

/** A failure with what to do about it: again is how many attempts make sense. */
class Failure extends Error {
  constructor(message, { again = 1, after } = {}) {
    super(message)
    this.again = again
    this.after = after // milliseconds that the server asks for
  }
}

/**
 * download brings url into file and returns the SHA-256 of it, in hex.
 * options: env, ca (an array of PEM texts, undefined for node's own), log, and for
 * tests attempts, pause (ms, doubled each time), idle (ms without a byte), total (ms).
 */
async function download(url, file, options = {}) {
  const o = { env: process.env, log: () => {}, attempts: 5, pause: 1000, idle: 20_000, total: 120_000, ...options }
  const end = Date.now() + o.total
  for (let attempt = 1; ; attempt++) {
    try {
      return await once(new URL(url), file, o)
    } catch (err) {
      fs.rmSync(file, { force: true })
      const wait = err.after ?? o.pause * 2 ** (attempt - 1)
      if (attempt >= Math.min(err.again, o.attempts) || Date.now() + wait > end) throw err
      o.log(`${err.message}; again in ${Math.ceil(wait / 1000)} s`)
      await new Promise((resolve) => setTimeout(resolve, wait))
    }
  }
}

async function once(url, file, o) {
  for (let hop = 0; ; hop++) {
    const response = await get(url, o)
    const status = response.statusCode
    if (status >= 300 && status < 400 && response.headers.location) {
      response.resume()
      if (hop === redirects) throw new Failure(`${shown(url)}: more than ${redirects} redirects`)
      url = onward(url, new URL(response.headers.location, url))
      continue
    }
    if (status !== 200) {
      response.destroy()
      throw new Failure(`${shown(url)}: HTTP status ${status}`, {
        again: busy(status), after: retryAfter(response.headers['retry-after']),
      })
    }
    return receive(url, response, file)
  }
}

/** onward is where a redirect leads: not out of TLS, and without the credentials of another host. */
function onward(from, to) {
  if (from.protocol === 'https:' && to.protocol !== 'https:') throw new Failure(`${shown(from)}: redirects to ${shown(to)}, out of TLS`)
  if (to.host !== from.host) to.username = to.password = ''
  return to
}

async function receive(url, response, file) {
  const hash = crypto.createHash('sha256')
  let size = 0
  try {
    await pipeline(response, async function* (chunks) {
      for await (const chunk of chunks) {
        if ((size += chunk.length) > largest) throw new Failure(`${shown(url)}: more than ${largest} bytes`)
        hash.update(chunk)
        yield chunk
      }
    }, fs.createWriteStream(file, { mode: 0o600 }))
  } catch (err) {
    throw err instanceof Failure ? err : network(url, err)
  }
  return hash.digest('hex')
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
  // With an agent of its own, no setting of node's diverts it.
  const options = { ca: o.ca, headers: { 'User-Agent': 'modferry-action' }, agent: false, timeout: o.idle }
  let target = url
  if (proxy && secure) {
    const socket = await tunnel(url, proxy, o)
    options.agent = undefined // or it would be asked for the connection
    options.createConnection = () => tls.connect({ socket, servername: net.isIP(url.hostname) ? '' : url.hostname, ca: o.ca })
  } else if (proxy) {
    target = proxy
    options.path = shownWhole(url)
    options.headers.Host = url.host
    options.auth = ''
    if (url.username) options.headers.Authorization = basic(url)
    if (proxy.username) options.headers['Proxy-Authorization'] = basic(proxy)
  }
  const from = target.protocol === 'https:' ? https : http
  return new Promise((resolve, reject) => {
    const request = from.get(target, options, resolve)
    request.on('timeout', () => request.destroy(new Error(`nothing received for ${o.idle / 1000} s`)))
    request.on('error', (err) => reject(network(url, err)))
  })
}

/** tunnel is a connection to the server of url through a forward proxy. */
function tunnel(url, proxy, o) {
  const place = `${url.hostname}:${url.port || 443}`
  const headers = { Host: place }
  if (proxy.username) headers['Proxy-Authorization'] = basic(proxy)
  const from = proxy.protocol === 'https:' ? https : http
  return new Promise((resolve, reject) => {
    const request = from.request({
      host: bare(proxy.hostname), port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
      method: 'CONNECT', path: place, headers, ca: o.ca, agent: false, timeout: o.idle,
    })
    request.on('timeout', () => request.destroy(new Error(`nothing received for ${o.idle / 1000} s`)))
    request.on('error', (err) => reject(network(proxy, err)))
    request.on('response', (response) => response.destroy())
    request.on('connect', (response, socket, head) => {
      if (response.statusCode === 200) {
        if (head.length) socket.unshift(head)
        resolve(socket)
        return
      }
      socket.destroy()
      const status = response.statusCode
      reject(new Failure(`the forward proxy ${proxy.host} refuses a tunnel to ${place}: HTTP status ${status}`, { again: busy(status) }))
    })
    request.end()
  })
}

/** busy is how many attempts make sense after a status. */
const busy = (status) => (status === 408 || status === 429 || status >= 500 ? Infinity : 1)

// Of a host that cannot be reached at all, as from a machine without internet.
const unreachable = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND'])

/** network is a failure of the connection. A certificate that is not trusted stays so. */
function network(url, err) {
  const distrust = /CERT|SIGNATURE|ALTNAME/.test(err.code || '')
  const hint = distrust ? '; set input ca-file to the CA certificates of your network' : ''
  return new Failure(`${shown(url)}: ${err.message || err.code}${hint}`, { again: distrust ? 1 : unreachable.has(err.code) ? 2 : Infinity })
}

/** proxyFor is the forward proxy for a URL, as Go and curl find it; undefined for none. */
function proxyFor(url, env) {
  const name = url.protocol === 'https:' ? 'https_proxy' : 'http_proxy'
  const text = env[name] || env[name.toUpperCase()]
  if (!text || passes(url, env.no_proxy || env.NO_PROXY || '')) return undefined
  const proxy = new URL(text.includes('://') ? text : `http://${text}`)
  if (proxy.protocol !== 'http:' && proxy.protocol !== 'https:') throw new Failure(`${name}: found ${proxy.protocol}//…, expected http:// or https://`)
  return proxy
}

/** passes reports whether a URL is not for the forward proxy. */
function passes(url, list) {
  const host = bare(url.hostname)
  if (host === 'localhost' || /^127\./.test(host) || host === '::1') return true
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  return list.split(',').map((s) => s.trim().toLowerCase()).filter(Boolean).some((entry) => {
    if (entry === '*') return true
    const [, name, only] = /^(.*?)(?::(\d+))?$/.exec(entry)
    if (net.isIP(host)) return inRange(host, entry) || host === bare(name)
    if (only && only !== port) return false
    const domain = name.replace(/^\*?\./, '')
    return host.endsWith(`.${domain}`) || (host === domain && !name.startsWith('.'))
  })
}

function inRange(address, range) {
  const [first, bits] = range.split('/')
  const version = net.isIP(first)
  if (!bits || !version || version !== net.isIP(address)) return false
  const block = new net.BlockList()
  try {
    block.addSubnet(first, Number(bits), `ipv${version}`)
  } catch {
    return false
  }
  return block.check(address, `ipv${version}`)
}

const bare = (host) => host.replace(/^\[|\]$/g, '')
const basic = (url) => `Basic ${Buffer.from(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`).toString('base64')}`
const shownWhole = (url) => `${url.origin}${url.pathname}${url.search}`

/** shown is a URL for people: without password, and without the signature that redirects carry. */
const shown = (url) => `${url.origin}${url.pathname}`

/**
 * certificates are the CA certificates to trust: node's own, those of the system and
 * those of files. Undefined means node's own.
 */
function certificates(files, env, trust = tls) {
  const own = trust.getCACertificates ? trust.getCACertificates('default') : [...trust.rootCertificates]
  const system = trust.getCACertificates ? trust.getCACertificates('system') : []
  if (!trust.getCACertificates) files = [...files, env.NODE_EXTRA_CA_CERTS, env.SSL_CERT_FILE, ...bundles.filter((f) => fs.existsSync(f))]
  const added = files.filter(Boolean).map((file) => fs.readFileSync(file, 'utf8'))
  return [...new Set([...own, ...system, ...added])]
}

// Where Linux systems keep theirs; node reads them only since 22.15.
const bundles = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/ca-bundle.pem', '/etc/ssl/cert.pem']

module.exports = { certificates, download, passes, proxyFor, retryAfter, shown, Failure }
