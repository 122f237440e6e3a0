import { findDuplicateKeys } from '../../../json/duplicate-keys.ts'
import { findJsonError } from '../../../json/json-error.ts'
import { parseJson } from '../../../json/parse-json.ts'
import { LIMITS } from '../../../workflow/document.ts'

/** One object that a model wrote: its value, or why it cannot be read. */
export type AnswerLine =
  | { readonly text: string; readonly value: Readonly<Record<string, unknown>> }
  | { readonly text: string; readonly problem: string }

/** Maximum length of one object, characters. */
const MAX_LINE = 1024 * 1024

/** How much is read again at the end of an answer, characters. */
const MAX_READ_AGAIN = 2 * MAX_LINE

/** What may stand in front of an object on its line: an array, a list, a quote, a fence. */
const LINE_START = /^[\s[,>`]*(?:[-*•]|\d+[.)])?\s*`?$/

/** The tags around a model's reasoning. */
const THINKING = /<(\/?)(?:think|thinking|thought|reasoning)>$/i

/**
 * Finds the JSON objects in a model's answer as it streams in, each as soon as its last brace is there.
 *
 * Everything around them is left out: sentences, code fences, list marks, the brackets and commas of an array, and reasoning
 * between tags such as `<think>` and `</think>`. An object may take several lines. One that is cut off ends where the next one begins.
 */
export class AnswerLines {
  readonly #found: AnswerLine[] = []
  /** The object so far; empty outside of one. */
  #text = ''
  /** Open brackets of the object, innermost last. */
  #open: ('{' | '[')[] = []
  #isString = false
  #isEscaped = false
  /** The last character of the object that is no space, outside of strings. */
  #last = ''
  /** The line so far, outside of objects. */
  #before = ''
  /** Whether only spaces precede on the line, within an object. */
  #isLineStart = false
  #isThinking = false
  /** Whether the object is at the start of its line: it is no part of a sentence. */
  #isOwnLine = false
  /** The rest of the line belongs to an object that cannot be read. */
  #isBroken = false
  #readLength = 0

  /** Number of characters that were read, each as often as it was. */
  get readLength(): number {
    return this.#readLength
  }

  /** @returns the objects that the text completes */
  push(text: string): readonly AnswerLine[] {
    for (const character of text) this.#take(character)
    return this.#found.splice(0)
  }

  /** The answer has ended. @returns the objects that were not closed, and those behind them */
  end(): readonly AnswerLine[] {
    const most = this.#readLength + MAX_READ_AGAIN
    while (this.#text !== '') {
      const text = this.#text
      const lineEnd = text.indexOf('\n')
      this.#fail('The answer ends within it', lineEnd < 0 ? text : text.slice(0, lineEnd))
      // A bracket that was left open may have swallowed further lines.
      if (lineEnd < 0 || this.#readLength + text.length - lineEnd > most) break
      for (const character of text.slice(lineEnd)) this.#take(character)
    }
    return this.#found.splice(0)
  }

  #take(character: string): void {
    this.#readLength += 1
    if (this.#text !== '') return this.#takeInside(character)
    if (character === '\n') {
      this.#before = ''
      this.#isBroken = false
      return
    }
    if (character === '{' && !this.#isThinking && !this.#isBroken) return this.#begin()
    this.#before = (this.#before + character).slice(-256)
    if (character !== '>') return
    const [tag, slash] = THINKING.exec(this.#before) ?? []
    if (tag === undefined) return
    this.#isThinking = slash === ''
    if (!this.#isThinking) this.#before = ''
  }

  #begin(): void {
    this.#isOwnLine = LINE_START.test(this.#before)
    this.#text = '{'
    this.#open = ['{']
    this.#last = '{'
    this.#isLineStart = false
    this.#isString = false
    this.#isEscaped = false
  }

  #takeInside(character: string): void {
    if (this.#isString) {
      if (character === '\n') return this.#break('A string is not closed at the end of its line', true)
      this.#text += character
      if (this.#isEscaped) this.#isEscaped = false
      else if (character === '\\') this.#isEscaped = true
      else if (character === '"') {
        this.#isString = false
        this.#last = '"'
      }
      return
    }
    if (/\s/.test(character)) {
      this.#text += character
      if (character === '\n') this.#isLineStart = true
      return
    }
    const isLineStart = this.#isLineStart
    this.#isLineStart = false
    // A brace in a sentence begins no object.
    if (this.#last === '{' && this.#open.length === 1 && character !== '"' && character !== '}') {
      if (this.#isOwnLine) return this.#break(`Expected a name in double quotes behind the brace`, false)
      this.#text = ''
      this.#before += `{${character}`
      return
    }
    const inner = this.#open.at(-1)
    if (character === '{' && !(this.#last === ':' || (inner === '[' && (this.#last === '[' || this.#last === ',')))) {
      this.#fail('It is cut off: another object begins within it', this.#text.trimEnd())
      if (isLineStart) this.#before = ''
      return this.#begin()
    }
    this.#text += character
    this.#last = character
    if (this.#text.length > MAX_LINE) return this.#break(`It is longer than ${MAX_LINE} characters`, false)
    if (character === '"') this.#isString = true
    else if (character === '{' || character === '[') {
      if (this.#open.push(character) > LIMITS.maxNesting) {
        this.#break(`It is nested deeper than ${LIMITS.maxNesting} levels`, false)
      }
    } else if (character === '}' || character === ']') {
      if (inner !== (character === '}' ? '{' : '[')) return this.#break(`\`${character}\` closes nothing`, false)
      this.#open.pop()
      if (this.#open.length === 0) this.#finish()
    }
  }

  #break(problem: string, isLineEnd: boolean): void {
    this.#fail(problem, this.#text)
    this.#isBroken = !isLineEnd
  }

  #fail(problem: string, text: string): void {
    this.#text = ''
    this.#before = ''
    this.#found.push({ text, problem })
  }

  #finish(): void {
    const text = this.#text
    this.#text = ''
    // Another object may follow on the same line.
    this.#before = ''
    try {
      const value = parseJson(text) as Readonly<Record<string, unknown>>
      const [duplicate] = findDuplicateKeys(text, value, 1)
      if (duplicate !== undefined) {
        this.#found.push({ text, problem: `The name \`${String(duplicate.path.at(-1))}\` stands twice in an object` })
      } else if (this.#isOwnLine || isTaskLike(value)) this.#found.push({ text, value })
    } catch {
      const { line, column } = findJsonError(text) ?? { line: 1, column: 1 }
      this.#found.push({ text, problem: `It is not JSON at line ${line}, column ${column}` })
    }
  }
}

/** Whether an object within a sentence is meant as part of the plan. */
function isTaskLike(value: Readonly<Record<string, unknown>>): boolean {
  return ['id', 'tool', 'workflow', 'tasks', 'seal'].some(name => Object.hasOwn(value, name))
}
