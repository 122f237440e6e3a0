import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { buildConnector } from 'undici'
import type { Target } from '../host-rules.ts'
import { isPublicAddress } from './public-address.ts'

/** Connect timeout, TLS included, ms. */
export const CONNECT_TIMEOUT_MS = 10_000

/** The address is not public; the message does not reveal it. */
export class AddressRefusedError extends Error {
  override readonly name: string = 'AddressRefusedError'

  constructor() {
    super('The address is not public')
  }
}

/** Creates the underlying connector; tests inject their own. */
export type ConnectorFactory = (options: { timeout: number; lookup: LookupFunction }) => buildConnector.connector

/**
 * Connects to public addresses only, unless `mayBePrivate` trusts the target.
 *
 * A name is resolved once per connection, so the checked address is the connected one even under DNS rebinding. The socket's
 * address is checked again before anything is sent.
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
    // A literal address is never resolved.
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
 * Rejects targets that a proxy must not reach: addresses that are not public, and `localhost`, which would be the proxy's own.
 * Only the proxy resolves names.
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

/** Filters a lookup to public addresses; an error if none remain. */
function keepPublic(lookup: LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found, family) => {
      if (error !== null) return callback(error, [])
      // A custom resolver may not support `all`.
      const all: LookupAddress[] =
        typeof found === 'string' ? [{ address: found, family: family ?? isIP(found) }] : found
      // Some resolvers report an unknown name this way.
      if (all.length === 0) return callback(Object.assign(new Error('No address'), { code: 'ENOTFOUND' }), [])
      const open = all.filter(({ address }) => isPublicAddress(address))
      const [first] = open
      if (first === undefined) return callback(new AddressRefusedError(), [])
      return options.all === true ? callback(null, open) : callback(null, first.address, first.family)
    })
  }
}
