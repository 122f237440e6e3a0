import { readField } from './failures.ts'
import { cutText } from '../text.ts'

/** How many causes are looked at. */
const MAX_DEPTH = 8

/** The most that is told of a message, characters. */
const MAX_CHARS = 300

/**
 * The innermost reason of a failure, in words: what `fetch` throws says only that it failed.
 *
 * Of a URL in it only the origin is told: behind it people put secrets.
 */
export function describeCause(error: unknown): string {
  let told = 'the connection failed'
  for (let at = error, depth = 0; at !== undefined && depth < MAX_DEPTH; depth++) {
    const message = readField(at, 'message')
    const code = readField(at, 'code')
    if (typeof message === 'string' && message !== '') told = message
    else if (typeof code === 'string' && code !== '') told = code
    const errors = readField(at, 'errors')
    // Of several addresses that were tried, the first speaks for all.
    at = Array.isArray(errors) ? errors[0] : readField(at, 'cause')
  }
  return cutText(told.replaceAll(/\b(https?:\/\/)(?:[^/?#\s@]*@)?([^/?#\s)]*)[^\s)]*/gi, '$1$2'), MAX_CHARS)
}
