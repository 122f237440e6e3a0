import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { PlanIssue } from '../events/events.ts'

/** A tool as a planner describes it to a model. */
export interface DescribedTool {
  readonly name: string
  readonly description?: string
  readonly inputSchema?: Readonly<Record<string, unknown>> | StandardSchemaV1
  readonly readOnly?: boolean
}

/** Where the tasks of a planner join its execution. Each is checked at once, and starts as soon as it can. */
export interface PlanRoom {
  /** The tools that its tasks may call. */
  readonly tools: Iterable<{ readonly tool: DescribedTool }>
  /** The tasks that have joined, those of earlier attempts first. */
  readonly accepted: readonly unknown[]
  /**
   * Adds a task, which may depend on those that have joined.
   * @returns its issues if it is refused: nothing has changed then
   * @throws once the attempt is aborted or over
   */
  add(definition: unknown): readonly PlanIssue[]
  /** Records that a line was refused. @param line number of the line within this attempt, from 1 */
  reject(line: number, issues: readonly PlanIssue[]): void
}
