import { describeJson } from '../json/describe-json.ts'
import { formatPointer, quoteName } from '../tools/json-pointer.ts'
import type { IssueCode } from './document.ts'
import type { IssueList } from './issues.ts'

/** State of a walk over a document. */
export interface Walk {
  readonly issues: IssueList
  /** Path of the current value. It is formatted as a pointer only for an issue. */
  readonly path: (string | number)[]
  /** Depth of nested workflows around the current value. */
  depth?: number
  /** Remaining number of tasks of all nested workflows: shared objects can expand exponentially. */
  tasksLeft?: number
}

/** Adds an issue at the current path. Builds the message only if the issue is kept. */
export function report(
  walk: Walk,
  code: IssueCode,
  message: () => string,
  hint?: () => string,
  /** Whether the issue is about the key at the end of the path. */
  isAboutKey = false,
): void {
  const { issues } = walk
  if (issues.isFull) issues.skip()
  else issues.add(code, formatPointer(walk.path), message(), { ...(hint && { hint: hint() }), isAboutKey })
}

/** Reports that a value does not match. */
export function mismatch(walk: Walk, expected: string, value: unknown, hint?: string): undefined {
  const subject = describePlace(walk.path)
  const message = (): string => `Expected ${subject} to be ${expected}, got ${describeJson(value)}`
  report(walk, 'INVALID_SHAPE', message, hint === undefined ? undefined : () => hint)
}

function describePlace(path: Walk['path']): string {
  const name = path.findLast((token): token is string => typeof token === 'string')
  if (name === undefined) return 'the workflow'
  if (typeof path.at(-1) !== 'number') return quoteName(name)
  return name === 'tasks' || name === 'finally' ? 'a task' : `each entry of ${quoteName(name)}`
}

/** Runs a part of a walk in which foreign code (accessors, proxies) may throw. */
export function guard<T>(walk: Walk, read: () => T): T | undefined {
  const depth = walk.path.length
  try {
    return read()
  } catch {
    report(walk, 'INVALID_SHAPE', () => 'Expected plain data, got something that throws when it is read')
    walk.path.length = depth
    return undefined
  }
}
