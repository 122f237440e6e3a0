import { readField } from './failures.ts'
import { cutText } from '../text.ts'

/** Maximum depth of the `cause` chain. */
const MAX_DEPTH = 8

/** Maximum length of a quoted message, characters. */
const MAX_CHARS = 300

/**
 * The text of a failure's innermost cause: the error of `fetch` itself names no reason.
 *
 * URLs are reduced to their origin: paths and queries may contain secrets.
 */
export function describeCause(error: unknown): string {
  let told = 'the connection failed'
  for (let at = error, depth = 0; at !== undefined && depth < MAX_DEPTH; depth++) {
    const message = readField(at, 'message')
    const code = readField(at, 'code')
    if (typeof message === 'string' && message !== '') told = message
    else if (typeof code === 'string' && code !== '') told = code
    const errors = readField(at, 'errors')
    // Where several addresses failed, the first error represents all.
    at = Array.isArray(errors) ? errors[0] : readField(at, 'cause')
  }
  return cutText(told.replaceAll(/\b(https?:\/\/)(?:[^/?#\s@]*@)?([^/?#\s)]*)[^\s)]*/gi, '$1$2'), MAX_CHARS)
}
