import { createFailure, type ToolFailure } from '../../attempt/attempt-outcome.ts'
import { readInputError } from '../../attempt/tool-error.ts'
import { isTurnSpent } from '../../clock.ts'
import { isJsonObject } from '../../json/describe-json.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import { findApproved } from '../../scheduler/ancestors.ts'
import type { Approval } from '../../scheduler/inputs/task-inputs.ts'
import type { ArgumentProblem } from '../../tools/argument-problem.ts'
import type { Group, PlannedTask } from '../../plan/execution-plan.ts'
import { resolveTemplate } from '../../workflow/template.ts'
import type { TaskState } from '../../events/execution-state.ts'
import type { OutputMemory } from '../reuse/output-memory.ts'
import type { Takeover } from '../reuse/takeover.ts'
import type { ReusedOutput } from '../task-events.ts'
import { GroupChildren, type GroupParts } from './group-children.ts'
import { GroupPlans } from './group-plans.ts'
import { GroupRecorder, type Opening } from './group-recorder.ts'

/** Sources of outputs that replace calls. */
interface Reuse {
  /** Of a fork. */
  readonly takeover: Takeover | undefined
  /** Of an execution whose store remembers outputs. */
  readonly memory: OutputMemory | undefined
}

/**
 * Takes the decisions that depend on values and records them: whether a condition holds, whether an output is taken over, what
 * the children of a parent are, when a repetition ends, how a parent ends. Each follows from the log, so that a crash loses none.
 */
export class GroupDecisions {
  readonly #parts: GroupParts
  readonly #events: GroupRecorder
  /** Where the tasks of planners join. */
  readonly plans: GroupPlans
  readonly #children: GroupChildren
  readonly #reuse: Reuse

  constructor(parts: GroupParts, reuse: Reuse) {
    this.#parts = parts
    this.#reuse = reuse
    this.#events = new GroupRecorder(parts)
    this.plans = new GroupPlans(parts, this.#events)
    this.#children = new GroupChildren(parts, this.#events, this.plans)
  }

  /** Takes decisions that are due. @returns their number, at most `count` */
  decide(count: number): number {
    const { due, graph } = this.#parts.table
    if (graph.root.isFinallyOpen) this.#children.limitTime(graph.root)
    for (let decided = 0; decided < count; decided++) {
      // One decision is bounded by the steps of a condition and the size of an output; the sum of many is not.
      if (decided > 0 && isTurnSpent()) return decided
      const task = due.takeTask()
      const parent = task === undefined ? due.takeParent() : undefined
      if (task !== undefined) this.#decideTask(task)
      else if (parent !== undefined) this.#children.tend(parent)
      else return decided
    }
    return count
  }

  /** The execution has ended: stops its timers. */
  close(): void {
    this.#parts.timers.close()
  }

  /** The end of a task is in the log. */
  settled(task: number, state: TaskState): void {
    this.#reuse.takeover?.settled(state)
    this.#reuse.memory?.settled(task, state)
  }

  /** Tasks are in the log: children of a parent, or of the document. */
  added(parent: number, count: number): void {
    if (parent < 0) this.#events.joined(count)
    else this.#children.added(parent, count)
  }

  /** Tasks have left the document. */
  removed(count: number): void {
    this.#events.joined(-count)
  }

  /** The tasks of the execution, with those that open parents have reserved. */
  get taskCount(): number {
    return this.#events.taskCount
  }

  /** The dependencies of a task allow it to run. */
  #decideTask(task: number): void {
    const { table, scopes } = this.#parts
    const { when, group } = table.graph.taskAt(task) as PlannedTask
    const approval = table.inputs.approvalOf(task)
    if (when !== undefined && approval === undefined) {
      try {
        const values = scopes.conditionOf(task)
        if (!when.evaluate(values)) return this.#events.skip(task, when, values)
      } catch (error) {
        return this.#events.end(task, readInputError(error))
      }
    }
    // An output that is taken over needs no approval.
    const reused = group === undefined && approval === undefined ? this.#findReused(task) : undefined
    if (reused === 'later') return
    if (reused !== undefined) return this.#events.reuse(task, reused)
    if (approval !== 'approved') {
      if (approval !== undefined) return this.#events.end(task, createFailure('INPUT_DECLINED', REFUSALS[approval]))
      const asked = this.#findUnapproved(task)
      if (asked !== undefined) return this.#askApproval(task, asked)
    }
    if (group === undefined) return table.admit(task)
    const opened = this.#open(task, group)
    if (!('status' in opened)) return this.#events.open(task, opened)
    scopes.forget(task)
    this.#events.end(task, opened)
  }

  /** The output that a task without children takes in place of a call; `'later'` where the answer makes the task due again. */
  #findReused(task: number): ReusedOutput | 'later' | undefined {
    const { takeover, memory } = this.#reuse
    const definition = this.#parts.table.graph.taskAt(task) as PlannedTask
    // What `from` names is called, whatever is remembered of it.
    const isForced = definition.cache !== undefined && takeover?.isForced(task) === true
    return takeover?.find(task) ?? (isForced ? undefined : memory?.find(task, definition))
  }

  /**
   * The task whose approval a task has to ask for: itself, or an ancestor that was opened without a question because all below
   * it seemed to be taken over.
   */
  #findUnapproved(task: number): number | undefined {
    const { table } = this.#parts
    const { approve, group } = table.graph.taskAt(task) as PlannedTask
    if (approve !== undefined && (group === undefined || !this.#coversChildren(task, group))) return task
    if (group !== undefined) return undefined
    const above = findApproved(table.graph, task)
    return above === undefined || table.inputs.approvalOf(above) === 'approved' ? undefined : above
  }

  /** Whether a parent of a fork takes all of its children over. */
  #coversChildren(task: number, group: Group): boolean {
    const { takeover } = this.#reuse
    if (takeover === undefined) return false
    try {
      const items = group.kind === 'forEach' ? this.#parts.scopes.resolveItems(task, group) : undefined
      return takeover.coversChildren(task, items?.count)
    } catch {
      // The parent fails by it after its approval, as it does without a fork.
      return false
    }
  }

  /**
   * Asks once the arguments can be resolved: a task that cannot run needs no approval.
   * @param of the task with the `approve`
   */
  #askApproval(task: number, of: number): void {
    const { table, scopes, tasks, askApproval } = this.#parts
    const { group, arguments: template } = table.graph.taskAt(task) as PlannedTask
    const { approve } = table.graph.taskAt(of) as PlannedTask
    try {
      // The arguments of items and rounds are resolved for each of them.
      if (group === undefined || group.kind === 'workflow' || group.kind === 'plan')
        resolveTemplate(template, scopes.of(task))
      const { id, tool } = tasks.at(task)
      const message = approve?.message === undefined ? undefined : resolveTemplate(approve.message, scopes.of(of)).value
      const text = typeof message === 'string' ? message : message === undefined ? '' : stringifyJson(message)
      askApproval(task, text.trim() === '' ? `Run task ${id} (${tool.name})?` : text, approve?.expiresMs)
    } catch (error) {
      this.#events.end(task, readInputError(error))
    }
  }

  /** What the start of a parent says of its children, or its failure. */
  #open(task: number, group: Group): Opening | ToolFailure {
    const { scopes, options, table } = this.#parts
    try {
      if (group.kind === 'repeat') return {}
      if (group.kind === 'plan') return this.#openPlan(task)
      if (group.kind === 'workflow') {
        const { arguments: template } = table.graph.taskAt(task) as PlannedTask
        const problems = group.plan.checkInput(resolveTemplate(template, scopes.of(task)).value)
        if (problems.length > 0) return createFailure('INVALID_INPUT', describeProblems(problems))
        const excess = this.#events.reserve(group.plan.tasks.length)
        return excess === undefined ? {} : createFailure('LIMIT_EXCEEDED', excess)
      }
      const { count } = scopes.resolveItems(task, group)
      const { maxItems } = options
      const excess = count > maxItems ? `Expected at most ${maxItems} items, got ${count}` : this.#events.reserve(count)
      return excess === undefined ? { itemCount: count } : createFailure('LIMIT_EXCEEDED', excess)
    } catch (error) {
      return readInputError(error)
    }
  }

  /** The argument `eager` says which tasks start before the plan is complete. */
  #openPlan(task: number): Opening | ToolFailure {
    const { table, scopes } = this.#parts
    const { arguments: template } = table.graph.taskAt(task) as PlannedTask
    const { value } = resolveTemplate(template, scopes.of(task))
    const excess = this.#events.reserve(1)
    if (excess !== undefined) return createFailure('LIMIT_EXCEEDED', excess)
    return { eager: isJsonObject(value) && value['eager'] === 'all' ? 'all' : 'read-only' }
  }
}

/** Never approved by silence. */
const REFUSALS: Readonly<Record<Exclude<Approval, 'approved'>, string>> = {
  declined: 'A person declined it',
  expired: 'Nobody approved it in time',
  cancelled: 'Its approval was cancelled',
}

/** At most three of them. */
function describeProblems(problems: readonly ArgumentProblem[]): string {
  const shown = problems
    .slice(0, 3)
    .map(({ pointer, message }) => `${pointer === '' ? '' : `\`${pointer}\`: `}${message}`)
  const rest = problems.length > shown.length ? ` (and ${problems.length - shown.length} more)` : ''
  return `The input of the workflow does not match its schema: ${shown.join('; ')}${rest}`
}
