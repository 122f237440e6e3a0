import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { gzip } from 'node:zlib'
import { promisify } from 'node:util'
import { problem } from '../../http/answers/problem.ts'
import { PACKAGE_ROOT } from '../package-root.ts'

/** The built page, in the source and in the package. */
export const PAGE_FOLDER: URL = new URL('dist/page/', PACKAGE_ROOT)

/** The files by their path on the server. */
const FILES: Readonly<Record<string, readonly [name: string, type: string]>> = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/page/page.js': ['page.js', 'text/javascript; charset=utf-8'],
  '/page/page.css': ['page.css', 'text/css; charset=utf-8'],
  '/page/layout.js': ['layout.js', 'text/javascript; charset=utf-8'],
  '/page/icon.svg': ['icon.svg', 'image/svg+xml'],
}

/** Nothing from elsewhere and nothing inline: a text of an execution that became an element could do nothing. */
const SECURITY_HEADERS = {
  'Content-Security-Policy':
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
}

const compress = promisify(gzip)

interface PageFile {
  readonly bytes: Buffer
  readonly gzipped: Buffer
  readonly headers: Readonly<Record<string, string>>
}

/** Puts the page in front of a handler. */
export class PageFiles {
  /** Read on the first request: a server that nobody looks at reads nothing. */
  readonly #files = new Map<string, Promise<PageFile>>()

  /** The answer to a request for a file of the page; `undefined` for any other request. */
  async answer(request: Request): Promise<Response | undefined> {
    const { pathname } = new URL(request.url)
    const file = Object.hasOwn(FILES, pathname) ? FILES[pathname] : undefined
    if (file === undefined) return undefined
    const { method, headers: given } = request
    if (method !== 'GET' && method !== 'HEAD') {
      return problem(405, { title: 'Method not allowed', detail: 'Use GET, HEAD' }, { Allow: 'GET, HEAD' })
    }
    const found = this.#files.get(pathname) ?? readPageFile(...file)
    this.#files.set(pathname, found)
    const { bytes, gzipped, headers } = await found
    if (given.get('if-none-match') === headers['ETag']) return new Response(null, { status: 304, headers })
    const isGzip = /\bgzip\b/.test(given.get('accept-encoding') ?? '')
    const body = isGzip ? gzipped : bytes
    const all = { ...headers, ...(isGzip && { 'Content-Encoding': 'gzip' }), 'Content-Length': String(body.byteLength) }
    return new Response(method === 'HEAD' ? null : new Uint8Array(body), { headers: all })
  }
}

async function readPageFile(name: string, type: string): Promise<PageFile> {
  const bytes = readFileSync(new URL(name, PAGE_FOLDER))
  const headers = {
    ...SECURITY_HEADERS,
    'Content-Type': type,
    // Asked for again each time: the next version of the server has another page at the same address.
    'Cache-Control': 'no-cache',
    Vary: 'Accept-Encoding',
    ETag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`,
  }
  return { bytes, gzipped: await compress(bytes), headers }
}
