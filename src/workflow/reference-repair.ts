import { quoteName } from '../tools/json-pointer.ts'
import { type MalformedReference, parseToken } from './references.ts'

/** Maximum length of a reference in a hint, UTF-16 units. */
const MAX_SHOWN = 200

const STEPS = '`.name`, `[0]` or `["key"]`'
const GRAMMAR = 'Write `$OUTPUT[id].path`, `$INPUT.path`, or either as `${…}`; `$$` for a `$` that begins none'

const indexStep = /^\[\s*\+?([0-9]+)\s*\]/
const negativeStep = /^\[\s*[-−]\s*[0-9]+\s*\]/
const quotedStep = /^\[\s*(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|`([^`]*)`|‘([^’]*)’|[“”]([^“”]*)[“”])\s*\]/su
const bareStep = /^\[\s*([\p{L}\p{Nd}_@][^[\]"'`$*?:,\p{Cc}]*?)\s*\]/u
/** The continuation of a name beyond the grammar: `-type`. */
const nameRest = /^[-@/+][\p{L}\p{Nd}_\-@/+]*/u

/** Describes the syntax error of a reference. */
export function describeMalformed(text: string, reference: MalformedReference): string {
  const { malformed, start, pathStart, faultAt } = reference
  if (reference.isMisplaced) {
    return `Expected no status or error of a task here, got ${quoteName(text.slice(start, faultAt))}`
  }
  if (pathStart === undefined || text[faultAt] !== '[') return `Expected a reference, got ${quoteName(malformed)}`
  return `Expected ${STEPS} behind ${quoteName(text.slice(start, faultAt))}, got ${quoteName(readStep(text, faultAt))}`
}

/** Suggests a valid form of a malformed reference, with its own names if the intent is clear. */
export function suggestReference(text: string, reference: MalformedReference): string {
  const { start, pathStart, faultAt } = reference
  if (reference.isMisplaced) {
    const literal = text.slice(start, faultAt)
    const advice = 'Tasks with `runOn` `failure` or `settled` and those of `finally` read it'
    return literal.length < MAX_SHOWN ? `${advice}; for text, \`$${literal}\`` : advice
  }
  if (pathStart === undefined) return GRAMMAR
  const isBraced = text[start + 1] === '{'
  const write = (path: string): string =>
    isBraced ? `${text.slice(start, pathStart)}${path}}` : `${text.slice(start, pathStart)}${path}`
  const advice = negativeStep.test(text.slice(faultAt, faultAt + MAX_SHOWN))
    ? adviseIndex(write(`${text.slice(pathStart, faultAt)}[0]`))
    : adviseForm(repairPath(text, pathStart, isBraced), faultAt, write)
  const literal = isBraced
    ? `$${text.slice(start, faultAt + 1)}`
    : `\${${text.slice(start + 1, faultAt)}}${readStep(text, faultAt)}`
  if (literal.length > MAX_SHOWN) return advice
  return `${advice}; for text, \`${literal}\``
}

function adviseIndex(first: string): string {
  const example = first.length <= MAX_SHOWN ? `, such as \`${first}\`` : ''
  return `Write an index from 0${example}: none counts from the end`
}

function adviseForm(repaired: Repaired | undefined, faultAt: number, write: (path: string) => string): string {
  const whole = repaired === undefined || repaired.end < faultAt ? undefined : write(repaired.path)
  if (whole === undefined || whole.length > MAX_SHOWN) return `Behind a reference write ${STEPS}`
  return `Write \`${whole}\``
}

/** A path rewritten to the grammar. */
interface Repaired {
  readonly path: string
  /** Offset in the text after the original path. */
  readonly end: number
}

/** Parses a path by a looser grammar. @returns `undefined` if the text after it is not a step in that grammar either */
function repairPath(text: string, start: number, isBraced: boolean): Repaired | undefined {
  let path = ''
  /** The last step if it is a name. */
  let name: string | undefined
  let at = start
  for (;;) {
    const rest = text.slice(at, at + MAX_SHOWN)
    const token = parseToken(text, at)
    const step = token === undefined ? repairStep(rest) : undefined
    const [continued] = (isBraced && name !== undefined && nameRest.exec(rest)) || []
    if (token !== undefined) {
      path += text.slice(at, token.end)
      name = text[at] === '.' && typeof token.key === 'string' ? token.key : undefined
      at = token.end
    } else if (step !== undefined) {
      path += step.written
      name = undefined
      at += step.length
    } else if (continued !== undefined && name !== undefined) {
      path = `${path.slice(0, -name.length - 1)}[${JSON.stringify(name + continued)}]`
      name = undefined
      at += continued.length
    } else if (isBraced) {
      const end = at + (/^\s*/.exec(rest)?.[0].length ?? 0)
      return end === text.length || text[end] === '}' ? { path, end } : undefined
    } else return text[at] === '[' ? undefined : { path, end: at }
  }
}

function repairStep(rest: string): { written: string; length: number } | undefined {
  const index = indexStep.exec(rest)
  if (index !== null) return { written: `[${index[1]}]`, length: index[0].length }
  const quoted = quotedStep.exec(rest)
  if (quoted !== null) {
    const key = quoted.slice(1).find(part => part !== undefined) ?? ''
    return { written: `[${JSON.stringify(key.replaceAll(/\\(['"])/g, '$1'))}]`, length: quoted[0].length }
  }
  const bare = bareStep.exec(rest)
  return bare === null ? undefined : { written: `[${JSON.stringify(bare[1])}]`, length: bare[0].length }
}

/** The text in brackets, up to the closing one, for a message. */
function readStep(text: string, at: number): string {
  const rest = text.slice(at, at + MAX_SHOWN)
  return quotedStep.exec(rest)?.[0] ?? /^\[[^[\]]*\]?/.exec(rest)?.[0] ?? '['
}
