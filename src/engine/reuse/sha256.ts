/** The part of `node:crypto` that is used. */
interface NodeCrypto {
  /** From Node.js 20.12 on. */
  readonly hash?: (algorithm: string, text: string, encoding: 'hex') => string
  createHash(algorithm: string): { update(text: string): { digest(encoding: 'hex'): string } }
}

/** `undefined` on runtimes without it: those have Web Crypto alone. */
let nodeCrypto: NodeCrypto | undefined
let isSought = false

/** SHA-256 of a text in UTF-8, hex. At once where the runtime can, since Web Crypto takes some turns of the event loop. */
export function sha256(text: string): string | Promise<string> {
  if (!isSought) {
    isSought = true
    nodeCrypto = globalThis.process?.getBuiltinModule?.('node:crypto') as NodeCrypto | undefined
  }
  if (nodeCrypto === undefined) return digest(text)
  return nodeCrypto.hash?.('sha256', text, 'hex') ?? nodeCrypto.createHash('sha256').update(text).digest('hex')
}

/** The same by Web Crypto. */
export async function digest(text: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}
