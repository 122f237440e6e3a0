import { BlockList, isIP } from 'node:net'

// RFC 6890 and the IANA registries of special-purpose addresses. An address that a tunnel or translator maps is judged by the
// mapped address, or rejected.
const SPECIAL_IPV4: readonly (readonly [network: string, prefix: number])[] = [
  ['0.0.0.0', 8], // this network
  ['10.0.0.0', 8], // private
  ['100.64.0.0', 10], // carrier-grade NAT; also the metadata address of one cloud
  ['127.0.0.0', 8], // loopback
  ['168.63.129.16', 32], // the host's agent on one cloud, though the address is a public one
  ['169.254.0.0', 16], // link-local; also the metadata address of most clouds
  ['172.16.0.0', 12], // private
  ['192.0.0.0', 24], // protocol assignments
  ['192.0.2.0', 24], // documentation
  ['192.88.99.0', 24], // relays of 6to4
  ['192.168.0.0', 16], // private
  ['198.18.0.0', 15], // benchmarks
  ['198.51.100.0', 24], // documentation
  ['203.0.113.0', 24], // documentation
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved, and broadcast
]

/** Within 2000::/3, which is all of IPv6 that is routed. */
const SPECIAL_IPV6: readonly (readonly [network: string, prefix: number])[] = [
  ['2001::', 23], // protocol assignments; Teredo
  ['2001:db8::', 32], // documentation
  ['2002::', 16], // 6to4: any IPv4 address inside
  ['3fff::', 20], // documentation
]

const special = new BlockList()
for (const [network, prefix] of SPECIAL_IPV4) special.addSubnet(network, prefix, 'ipv4')
for (const [network, prefix] of SPECIAL_IPV6) special.addSubnet(network, prefix, 'ipv6')
const routed = new BlockList()
routed.addSubnet('2000::', 3, 'ipv6')
const translated = new BlockList()
translated.addSubnet('64:ff9b::', 96, 'ipv6') // NAT64, RFC 6052
translated.addSubnet('::ffff:0:0', 96, 'ipv6') // IPv4-mapped, RFC 4291

/** Whether an address belongs to the public Internet; `false` for anything that is not an address. */
export function isPublicAddress(text: string): boolean {
  const address = text.replace(/%.*$/s, '')
  const version = isIP(address)
  if (version === 4) return !special.check(address, 'ipv4')
  if (version !== 6) return false
  if (translated.check(address, 'ipv6')) return isPublicAddress(readLastIPv4(address))
  return routed.check(address, 'ipv6') && !special.check(address, 'ipv6')
}

/** The IPv4 address in the last 32 bits. */
function readLastIPv4(address: string): string {
  // The canonical form has no dotted part, and two groups at its end unless they are zero.
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [high = '', low = ''] = canonical.split(':').slice(-2)
  const bits = [high, low].map(group => Number.parseInt(group === '' ? '0' : group, 16))
  return bits.flatMap(group => [group >> 8, group & 255]).join('.')
}
