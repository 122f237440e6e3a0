import { type IssueCode, LIMITS, type WorkflowIssue } from './document.ts'

/** Maximum length of a pointer, characters. A longer one is cut back to an enclosing value. */
const MAX_POINTER = 4096

/** Collects the problems of a document: counts all, keeps the first `LIMITS.maxIssues`. */
export class IssueList {
  readonly #issues: WorkflowIssue[] = []
  #count = 0

  add(
    code: IssueCode,
    pointer: string,
    message: string,
    extra: { hint?: string; path?: readonly string[]; in?: 'input' } = {},
  ): void {
    this.#count += 1
    if (this.#issues.length < LIMITS.maxIssues) {
      const { hint, ...more } = extra
      const texts = { message: message.toWellFormed(), ...(hint !== undefined && { hint: hint.toWellFormed() }) }
      this.#issues.push({ code, pointer: cutPointer(pointer).toWellFormed(), ...texts, ...more })
    }
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
