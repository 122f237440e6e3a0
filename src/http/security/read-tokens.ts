/**
 * Tokens that read one execution: for an `EventSource`, which sends no headers, and for links.
 *
 * A token is `<expiresAt>.<signature>`: the signature covers the execution, its owner and the time, under a key that is derived
 * from the server's token. Nothing is stored: a restart with the same server token accepts it again, and it ends with its
 * execution, because ids are not used twice. Without a server token the key is random, and a token ends with its handler.
 */
export class ReadTokens {
  /** The first key signs; each may verify, so that a server token can be replaced without a gap. */
  readonly #secrets: readonly Uint8Array<ArrayBuffer>[]
  readonly #now: () => number
  #keys: Promise<readonly CryptoKey[]> | undefined
  /** The requests whose token is good, with the execution that it is for. */
  readonly #granted = new WeakMap<Request, string>()

  /** @param tokens of the server @param now time of day, ms since 1970 */
  constructor(tokens: readonly string[], now: () => number) {
    const texts = tokens.map(token => encoder.encode(`${PURPOSE}${token}`))
    this.#secrets = texts.length > 0 ? texts : [crypto.getRandomValues(new Uint8Array(32))]
    this.#now = now
  }

  /** Makes a token. @param expiresAt ms since 1970 */
  async issue(executionId: string, owner: string | undefined, expiresAt: number): Promise<string> {
    const [key] = await this.#importKeys()
    const signature = await crypto.subtle.sign('HMAC', key as CryptoKey, toSigned(executionId, owner, expiresAt))
    return `${expiresAt.toString(36)}.${toBase64Url(new Uint8Array(signature))}`
  }

  /**
   * Admits a request by its `?token=`, where that counts: on a `GET` of one execution.
   * @param findRecord called only for a token that is well-formed and in date
   * @returns `absent` where there is none
   */
  async admit(
    request: Request,
    findRecord: (executionId: string) => Promise<{ readonly owner?: string } | undefined>,
  ): Promise<'absent' | 'granted' | 'refused'> {
    const { method, url } = request
    if ((method !== 'GET' && method !== 'HEAD') || !url.includes('token=')) return 'absent'
    const { pathname, searchParams } = new URL(url)
    const executionId = OF_EXECUTION.exec(pathname)?.[1]
    const given = searchParams.getAll('token')
    if (executionId === undefined || given.length === 0) return 'absent'
    const [, time, signature] = (given.length === 1 && TOKEN.exec(given[0] as string)) || []
    if (time === undefined || signature === undefined) return 'refused'
    const expiresAt = Number.parseInt(time, 36)
    if (expiresAt <= this.#now()) return 'refused'
    const record = await findRecord(executionId)
    if (record === undefined) return 'refused'
    const signed = toSigned(executionId, record.owner, expiresAt)
    if (!(await this.#verify(fromBase64Url(signature), signed))) return 'refused'
    this.#granted.set(request, executionId)
    return 'granted'
  }

  /** Whether a request was admitted by a token for this execution. */
  grants(request: Request, executionId: string): boolean {
    return this.#granted.get(request) === executionId
  }

  /** Takes a time that does not depend on the signature. */
  async #verify(signature: Uint8Array<ArrayBuffer>, signed: Uint8Array<ArrayBuffer>): Promise<boolean> {
    for (const key of await this.#importKeys()) {
      if (await crypto.subtle.verify('HMAC', key, signature, signed)) return true
    }
    return false
  }

  #importKeys(): Promise<readonly CryptoKey[]> {
    const algorithm = { name: 'HMAC', hash: 'SHA-256' }
    return (this.#keys ??= Promise.all(
      this.#secrets.map(secret => crypto.subtle.importKey('raw', secret, algorithm, false, ['sign', 'verify'])),
    ))
  }
}

/** Keeps these signatures apart from any other use of the server's token. */
const PURPOSE = 'dagstream read token\n'

/** Matches the paths of one execution. */
const OF_EXECUTION = /^\/executions\/([A-Za-z0-9_-]{1,128})(?:\/|$)/

/** Time in base 36, up to the year 5188; 256 bits in base64url. */
const TOKEN = /^([0-9a-z]{1,9})\.([A-Za-z0-9_-]{43})$/

const encoder = new TextEncoder()

function toSigned(executionId: string, owner: string | undefined, expiresAt: number): Uint8Array<ArrayBuffer> {
  return encoder.encode(JSON.stringify([executionId, owner ?? null, expiresAt]))
}

function toBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), unit => unit.charCodeAt(0))
}
