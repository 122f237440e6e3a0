import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { buildConnector } from 'undici'
import type { Target } from '../host-rules.ts'
import { isPublicAddress } from './public-address.ts'

/** How long a connection may take, TLS included, ms. */
export const CONNECT_TIMEOUT_MS = 10_000

/** The address is not public; the message does not tell it. */
export class AddressRefusedError extends Error {
  override readonly name: string = 'AddressRefusedError'

  constructor() {
    super('The address is not a public one')
  }
}

/** How a connection is made; a test's own in its place. */
export type ConnectorFactory = (options: { timeout: number; lookup: LookupFunction }) => buildConnector.connector

/**
 * Connects to public addresses alone, unless `mayBePrivate` says that the target is trusted.
 *
 * A name is looked up once, for the connection: what is checked is what is connected to, however often the name changes its
 * mind. The address of the socket is looked at again before anything is sent.
 */
export function createGuardedConnector(
  mayBePrivate: (target: Target) => boolean,
  lookup: LookupFunction = systemLookup,
  createConnector: ConnectorFactory = buildConnector,
): buildConnector.connector {
  const connectAnywhere = createConnector({ timeout: CONNECT_TIMEOUT_MS, lookup })
  const connectPublicly = createConnector({ timeout: CONNECT_TIMEOUT_MS, lookup: keepPublic(lookup) })
  return (target, callback) => {
    if (mayBePrivate(target)) return connectAnywhere(target, callback)
    // An address is never looked up.
    if (isIP(target.hostname) !== 0 && !isPublicAddress(target.hostname)) {
      return queueMicrotask(() => callback(new AddressRefusedError(), null))
    }
    return connectPublicly(target, (...[error, socket]) => {
      if (error !== null) return callback(error, null)
      if (isPublicAddress(socket.remoteAddress ?? '')) return callback(null, socket)
      socket.destroy()
      return callback(new AddressRefusedError(), null)
    })
  }
}

/**
 * Refuses what a proxy must not be asked for: addresses that are not public, and `localhost`, which would be the proxy's own.
 * What a name leads to is known to the proxy alone.
 */
export function guardNames(
  mayBePrivate: (target: Target) => boolean,
  connect: buildConnector.connector,
): buildConnector.connector {
  return (target, callback) => {
    const { hostname } = target
    const isPrivate = isIP(hostname) === 0 ? /(?:^|\.)localhost\.?$/i.test(hostname) : !isPublicAddress(hostname)
    if (!isPrivate || mayBePrivate(target)) return connect(target, callback)
    return queueMicrotask(() => callback(new AddressRefusedError(), null))
  }
}

/** Of what a name resolves to, what is public; an error where nothing is. */
function keepPublic(lookup: LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found, family) => {
      if (error !== null) return callback(error, [])
      // A resolver of the caller's own may not know `all`.
      const all: LookupAddress[] =
        typeof found === 'string' ? [{ address: found, family: family ?? isIP(found) }] : found
      // Some resolvers say so that there is no such name.
      if (all.length === 0) return callback(Object.assign(new Error('No address'), { code: 'ENOTFOUND' }), [])
      const open = all.filter(({ address }) => isPublicAddress(address))
      const [first] = open
      if (first === undefined) return callback(new AddressRefusedError(), [])
      return options.all === true ? callback(null, open) : callback(null, first.address, first.family)
    })
  }
}
