import type { PlanIssue } from '../../events/events.ts'
import { utf8Length } from '../../events/json-value.ts'
import { isJsonObject } from '../../json/describe-json.ts'
import { findDuplicateKeys } from '../../json/duplicate-keys.ts'
import { findJsonError } from '../../json/json-error.ts'
import { parseJson } from '../../json/parse-json.ts'
import { formatPointer, quoteName } from '../../tools/json-pointer.ts'
import { LIMITS } from '../../workflow/document.ts'
import { LineSplitter } from './line-splitter.ts'

/** Text or bytes of NDJSON, split anywhere, or whole lines as values. */
export type PlanChunk = string | Uint8Array | object

/** A plan as it is written. */
export type PlanSource = AsyncIterable<PlanChunk> | Iterable<PlanChunk>

/** Maximum size of a line, bytes. */
export const MAX_LINE_BYTES: number = 1024 * 1024

/** Maximum size of a plan, bytes. */
export const MAX_PLAN_BYTES: number = 64 * 1024 * 1024

/** A line that is not blank. */
export type PlanLine =
  | { readonly line: number; readonly value: unknown; readonly json?: string }
  /** `isLast`: the plan cannot be read any further. */
  | { readonly line: number; readonly issues: readonly PlanIssue[]; readonly isLast?: true }

/** Reads a plan line by line. */
export class PlanLineReader {
  readonly #iterator: AsyncIterator<PlanChunk> | Iterator<PlanChunk>
  readonly #splitter = new LineSplitter(MAX_LINE_BYTES)
  readonly #lines: PlanLine[] = []
  /** Number of physical lines that were read. */
  #count: number
  #bytes: number
  #isDone = false
  /** What the source has thrown. */
  failure: { readonly error: unknown } | undefined
  /** Ends a wait for the source. */
  #leave: (() => void) | undefined

  /** @param count lines that were read of the plan before @param bytes their size */
  constructor(source: PlanSource, count = 0, bytes = 0) {
    this.#iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
    this.#count = count
    this.#bytes = bytes
  }

  /** The next line; `undefined` at the end. Rejects with what the source throws: an unfinished line is dropped then. */
  async next(): Promise<PlanLine | undefined> {
    for (;;) {
      const line = this.#lines.shift()
      if (line !== undefined || this.#isDone) return line
      const chunk = await this.#pull()
      if (this.#isDone) continue
      if (chunk === undefined) this.#finish()
      else this.#read(chunk)
    }
  }

  /** The next line, if it is known already. */
  take(): PlanLine | undefined {
    return this.#lines.shift()
  }

  /** Leaves the source: `next` waits for it no longer, and resolves to a line that was read, or to `undefined`. */
  cancel(): void {
    this.#isDone = true
    this.#leave?.()
    try {
      Promise.resolve(this.#iterator.return?.()).catch(() => {})
    } catch {
      // The source has no say in it.
    }
  }

  /** The next chunk; `undefined` at the end, and once the source is left. */
  #pull(): Promise<PlanChunk | undefined> {
    return new Promise((resolve, reject) => {
      this.#leave = () => resolve(undefined)
      const fail = (error: unknown): void => {
        this.failure = { error }
        reject(error)
      }
      const reading = (async () => this.#iterator.next())()
      reading.then(({ done, value }) => resolve(done ? undefined : value), fail)
    })
  }

  #read(chunk: PlanChunk): void {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) {
      this.#bytes += typeof chunk === 'string' ? utf8Length(chunk) : chunk.byteLength
      for (const text of this.#splitter.split(chunk)) this.#add(text)
    } else {
      this.#finishLine()
      this.#count += 1
      this.#lines.push({ line: this.#count, value: chunk })
    }
    if (this.#bytes <= MAX_PLAN_BYTES) return
    const message = `Expected a plan of at most ${MAX_PLAN_BYTES} bytes`
    const issues = [{ code: 'LIMIT_EXCEEDED', pointer: '', message }]
    this.#lines.push({ line: this.#count + 1, issues, isLast: true })
    this.cancel()
  }

  #finish(): void {
    this.#finishLine()
    this.#isDone = true
  }

  /** The last line needs no end. */
  #finishLine(): void {
    const rest = this.#splitter.finish()
    if (rest !== undefined) this.#add(rest)
  }

  /** @param text `null` for a line that is too long, `undefined` for one that is not UTF-8 */
  #add(text: string | null | undefined): void {
    this.#count += 1
    if (typeof text === 'string' && text.trim() === '') return
    this.#lines.push({ line: this.#count, ...readLine(text) })
  }
}

type ReadLine = { readonly value: unknown; readonly json: string } | { readonly issues: readonly PlanIssue[] }

function readLine(text: string | null | undefined): ReadLine {
  if (text === null) return refuse('LIMIT_EXCEEDED', `Expected a line of at most ${MAX_LINE_BYTES} bytes`)
  if (text === undefined) return refuse('INVALID_SHAPE', 'Expected the line to be UTF-8')
  let value: unknown
  try {
    value = parseJson(text)
  } catch {
    const { column } = findJsonError(text) ?? { column: 1 }
    return refuse('INVALID_SHAPE', `Expected the line to be JSON: it is not at column ${column}`, hintFor(text.trim()))
  }
  if (Array.isArray(value)) return refuse('INVALID_SHAPE', 'Expected a task to be an object, got array', hintFor('['))
  const duplicates = findDuplicateKeys(text, value, LIMITS.maxIssues)
  if (duplicates.length === 0) return { value, json: text.trim() }
  return {
    issues: duplicates.map(({ key, path }) => {
      const message = `Expected each key once, ${quoteName(key)} is repeated`
      return { code: 'DUPLICATE_KEY', pointer: formatPointer(path), message }
    }),
  }
}

/** How to mend a line that is no task: what planners write around and between tasks. */
function hintFor(text: string): { readonly hint?: string } {
  if (text.startsWith('```')) return { hint: 'Leave out the fence around the lines' }
  if (text === '{') return { hint: 'Write each task on one line' }
  if (/^[[\]]/.test(text)) return { hint: 'Write one task per line, without brackets around them' }
  return text.endsWith('},') ? { hint: 'Leave out the comma behind the task' } : {}
}

function refuse(code: string, message: string, more: { readonly hint?: string } = {}): ReadLine {
  return { issues: [{ code, pointer: '', message, ...more }] }
}

/** Whether a line completes the plan: `{"seal": true}`. */
export function isSeal(value: unknown): boolean {
  return isJsonObject(value) && value['seal'] === true && Object.keys(value).length === 1
}

/** Whether the first line of a plan holds its options. */
export function isHead(value: unknown): value is Record<string, unknown> {
  return isJsonObject(value) && !Object.hasOwn(value, 'id') && !Object.hasOwn(value, 'tool') && !isSeal(value)
}
