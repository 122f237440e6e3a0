/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** A path that does not exist: the task, item or round that reads it fails with `REFERENCE_NOT_FOUND`. */
export class ReferenceNotFound extends Error {}

/** The contract does not say what happens here, so that a comparison would test a guess. */
export class Undetermined extends Error {}

/** A value that a reference reads. */
export interface Root {
  readonly value: Json
  /**
   * Behaviour of a path into it. `strict`: a missing member does not exist. `null`: `$PREVIOUS` of the first round, where
   * every path is null. `open`: null because the task has no output or no error, where the contract says nothing of paths.
   */
  readonly path: 'strict' | 'null' | 'open'
}

/** What references read in one place; a word that is absent is text there. */
export interface Roots {
  readonly input: Json | undefined
  output(taskId: string): Root
  status?(taskId: string): Json
  error?(taskId: string): Root
  /** The bare `$STATUS` of `finally` tasks. */
  readonly soFar?: string
  readonly item?: Json
  readonly index?: number
  readonly previous?: Root
}

// The escape `$$` and braces are those of today's grammar, which tests of its own cover: the generator writes neither.
const REFERENCE =
  /\$(?:(OUTPUT|STATUS|ERROR)\[([^[\]]+)\]|(INPUT|ITEM|INDEX|PREVIOUS|STATUS)(?![\p{L}\p{Nd}_[]))((?:\.[\p{L}\p{Nd}_]+|\[\d+\]|\[\*\])*)/gu

/** A template with its references replaced by values. @throws ReferenceNotFound, Undetermined */
export function resolve(template: unknown, roots: Roots): Json {
  if (typeof template === 'string') return resolveText(template, roots)
  if (Array.isArray(template)) return template.map(each => resolve(each, roots))
  if (typeof template !== 'object' || template === null) return template as Json
  return Object.fromEntries(Object.entries(template).map(([key, member]) => [key, resolve(member, roots)]))
}

/** Ids of the tasks that a template refers to. */
export function findReads(template: unknown): string[] {
  const text = JSON.stringify(template) ?? ''
  return [...text.matchAll(REFERENCE)].flatMap(([, , taskId]) => taskId ?? [])
}

function resolveText(text: string, roots: Roots): Json {
  const matches = [...text.matchAll(REFERENCE)]
  if (matches.length === 1 && matches[0]?.[0] === text) {
    const value = read(matches[0], roots)
    return value === undefined ? text : value
  }
  return text.replace(REFERENCE, (...match: string[]) => {
    const value = read(match, roots)
    if (value === undefined) return match[0] as string
    return typeof value === 'string' ? value : JSON.stringify(value)
  })
}

/** `undefined` if the word is text in this place. */
function read(match: readonly (string | undefined)[], roots: Roots): Json | undefined {
  const [, wordOfTask, taskId, bareWord, path] = match
  const root = findRoot(wordOfTask ?? bareWord, taskId, roots)
  return (
    root &&
    follow(
      root,
      [...(path ?? '').matchAll(/\.([^.[]+)|\[(\d+|\*)\]/g)].map(step => step[1] ?? step[2] ?? ''),
    )
  )
}

function findRoot(word: string | undefined, taskId: string | undefined, roots: Roots): Root | undefined {
  if (taskId !== undefined) {
    if (word === 'OUTPUT') return roots.output(taskId)
    if (word === 'ERROR') return roots.error?.(taskId)
    const status = roots.status?.(taskId)
    return status === undefined ? undefined : { value: status, path: 'strict' }
  }
  if (word === 'PREVIOUS') return roots.previous
  const { input, item, index, soFar } = roots
  const value = { INPUT: input, ITEM: item, INDEX: index, STATUS: soFar }[word as 'INPUT']
  return value === undefined ? undefined : { value, path: 'strict' }
}

function follow({ value, path }: Root, steps: readonly string[]): Json {
  if (steps.length === 0 || path === 'strict') return walk(value, steps)
  if (path === 'null') return null
  throw new Undetermined('A path into an output or an error that is not there')
}

function walk(value: Json, [step, ...rest]: readonly string[]): Json {
  if (step === undefined) return value
  if (step === '*') {
    if (!Array.isArray(value)) throw new Undetermined('`[*]` of a value that is no array')
    return value.map(element => walkOrNull(element, rest))
  }
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) throw new ReferenceNotFound(step)
  return walk((value as { readonly [key: string]: Json })[step] as Json, rest)
}

/** Behind `[*]` a missing member is null. */
function walkOrNull(element: Json, steps: readonly string[]): Json {
  try {
    return walk(element, steps)
  } catch (error) {
    if (error instanceof ReferenceNotFound) return null
    throw error
  }
}
