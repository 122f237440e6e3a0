import { findHalf, toWellFormedJson } from '../text.ts'
import { formatPointer, quoteName } from './json-pointer.ts'
import type { ToolContext } from './tool.ts'

/**
 * Arguments for another program. Lone surrogates, which many programs refuse, are replaced by U+FFFD, and a warning of
 * the attempt names the first.
 * @returns `args` itself if it holds no lone surrogate
 */
export function makeSendable<Args>(args: Args, log: ToolContext['log']): Args {
  const path = findHalf(args)
  if (path === undefined) return args
  const place = quoteName(formatPointer(path))
  log('warning', `The arguments contain a lone surrogate, first at ${place}: sent as U+FFFD`)
  return JSON.parse(toWellFormedJson(JSON.stringify(args))) as Args
}
