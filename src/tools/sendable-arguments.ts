import { findHalf, toWellFormedJson } from '../text.ts'
import { formatPointer, quoteName } from './json-pointer.ts'
import type { ToolContext } from './tool.ts'

/**
 * Arguments as another program can read them: half of a character, which many refuse, is replaced by U+FFFD, and a warning
 * of the attempt says where.
 * @returns `args` itself where every text in it is whole
 */
export function makeSendable<Args>(args: Args, log: ToolContext['log']): Args {
  const path = findHalf(args)
  if (path === undefined) return args
  const place = quoteName(formatPointer(path))
  log('warning', `The arguments hold half of a character (a lone surrogate), first at ${place}: sent as U+FFFD`)
  return JSON.parse(toWellFormedJson(JSON.stringify(args))) as Args
}
