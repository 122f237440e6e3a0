import type { TextPosition } from '../json/text-position.ts'
import { type IssueCode, LIMITS, type WorkflowIssue } from './document.ts'

/** Maximum length of a pointer, characters. A longer one is cut back to an enclosing value. */
const MAX_POINTER = 4096

/** Optional members of an issue beside code, pointer and message. */
export interface IssueExtra extends Partial<TextPosition> {
  readonly hint?: string
  readonly path?: readonly string[]
  readonly in?: 'input' | 'document'
  /** Whether the key that the pointer leads to is wrong, whatever its value. */
  readonly isAboutKey?: boolean
}

/** The issues that are about keys. No field, because issues are sent as they are. */
const aboutKeys = new WeakSet<WorkflowIssue>()

/** Whether an issue of an `IssueList` is about the key that its pointer leads to. */
export function isAboutKey(issue: WorkflowIssue): boolean {
  return aboutKeys.has(issue)
}

/** Collects the problems of a document: counts all, keeps the first `LIMITS.maxIssues`. */
export class IssueList {
  readonly #issues: WorkflowIssue[] = []
  #count = 0

  add(code: IssueCode, pointer: string, message: string, extra: IssueExtra = {}): void {
    this.#count += 1
    if (this.#issues.length < LIMITS.maxIssues) {
      const { hint, isAboutKey: isKey = false, ...more } = extra
      const texts = { message: message.toWellFormed(), ...(hint !== undefined && { hint: hint.toWellFormed() }) }
      const issue = { code, pointer: cutPointer(pointer).toWellFormed(), ...texts, ...more }
      this.#issues.push(issue)
      if (isKey) aboutKeys.add(issue)
    }
  }

  /** Returns the kept issues and forgets all. */
  drain(): readonly WorkflowIssue[] {
    this.#count = 0
    return this.#issues.splice(0)
  }

  /** Counts an issue without building its message. Call it only when `isFull`. */
  skip(): void {
    this.#count += 1
  }

  /** Whether further issues are counted but not kept. */
  get isFull(): boolean {
    return this.#issues.length >= LIMITS.maxIssues
  }

  /** Number of all issues, kept or not. */
  get count(): number {
    return this.#count
  }

  /** The kept issues, in order of discovery. */
  get issues(): readonly WorkflowIssue[] {
    return this.#issues
  }
}

function cutPointer(pointer: string): string {
  return pointer.length <= MAX_POINTER ? pointer : pointer.slice(0, pointer.lastIndexOf('/', MAX_POINTER))
}
