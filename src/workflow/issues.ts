import { type IssueCode, LIMITS, type WorkflowIssue } from './document.ts'

/** The longest pointer told, characters; a longer one is cut back to an enclosing value. */
const MAX_POINTER = 4096

/** Collects what is wrong with a document: all is counted, the first `LIMITS.maxIssues` are kept. */
export class IssueList {
  readonly #issues: WorkflowIssue[] = []
  #count = 0

  add(
    code: IssueCode,
    pointer: string,
    message: string,
    extra: { hint?: string; path?: readonly string[] } = {},
  ): void {
    this.#count += 1
    if (this.#issues.length < LIMITS.maxIssues) {
      const { hint, ...more } = extra
      const texts = { message: message.toWellFormed(), ...(hint !== undefined && { hint: hint.toWellFormed() }) }
      this.#issues.push({ code, pointer: cutPointer(pointer).toWellFormed(), ...texts, ...more })
    }
  }

  /** Counts an issue that would not be kept, so that nobody writes its message. Only to be called when `isFull`. */
  skip(): void {
    this.#count += 1
  }

  /** Whether further issues are only counted. */
  get isFull(): boolean {
    return this.#issues.length >= LIMITS.maxIssues
  }

  /** All issues, kept or not. */
  get count(): number {
    return this.#count
  }

  /** The kept ones, in the order in which they were found. */
  get issues(): readonly WorkflowIssue[] {
    return this.#issues
  }
}

function cutPointer(pointer: string): string {
  return pointer.length <= MAX_POINTER ? pointer : pointer.slice(0, pointer.lastIndexOf('/', MAX_POINTER))
}
