import { shortenText } from '../text.ts'

/** The JSON Pointer (RFC 6901) of a path from the root. */
export function formatPointer(path: readonly (string | number)[]): string {
  let pointer = ''
  for (const token of path) pointer += `/${typeof token === 'number' ? token : escapeToken(token)}`
  return pointer
}

function escapeToken(token: string): string {
  return token.replaceAll('~', '~0').replaceAll('/', '~1')
}

/** The path of a JSON Pointer. */
export function parsePointer(pointer: string): string[] {
  if (pointer === '') return []
  return pointer
    .slice(1)
    .split('/')
    .map(token => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** A name for messages: in backticks, cut at 40 characters. */
export function quoteName(name: string): string {
  return `\`${cutName(name)}\``
}

/** At most 40 characters of a name. Never splits a surrogate pair. */
export function cutName(name: string): string {
  return shortenText(name, 40)
}
