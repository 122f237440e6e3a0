import { formatPointer, quoteName } from '../tools/json-pointer.ts'
import type { ToolRegistry } from '../tools/registry.ts'
import { checkRead, readShape } from './check-document.ts'
import { type CheckContext, TaskChecker } from './check-task.ts'
import type { CheckedDocument, CheckedTask, WorkflowLookup } from './checked-document.ts'
import { MAX_ARGUMENT_VALUES } from './compile-template.ts'
import { LIMITS, type WorkflowIssue } from './document.ts'
import { GrowingTree } from './growing-tree.ts'
import { IssueList } from './issues.ts'

/** The context of the checks of a growing document. */
export interface GrowthContext {
  readonly tools: ToolRegistry
  readonly workflows?: WorkflowLookup | undefined
  /** Whether an earlier version may have accepted the tasks. */
  readonly isRecorded?: boolean
}

/** A task that has passed its checks, and the workflows that it holds. */
export interface CheckedGrowth {
  readonly task: CheckedTask
  readonly nested: readonly CheckedDocument[]
}

/**
 * A document that grows by one task at a time: each may depend on earlier ones only. A check costs as much as the task is
 * large, whatever the size of the document.
 */
export class GrowingDocument {
  readonly #issues = new IssueList()
  readonly #context: CheckContext
  readonly #checker: TaskChecker
  readonly #tree = new GrowingTree()
  /** By index; those of removed tasks stay. */
  readonly #ids: string[] = []
  /** Ids of `finally` tasks: nothing that is added may have or name them. */
  readonly #reserved: ReadonlySet<string>
  #count = 0
  /** By id, the number of values in the arguments of tasks that were checked here. */
  readonly #values = new Map<string, number>()
  /** Of the task that `check` has returned. */
  #checkedValues = 0

  constructor({ tools, workflows, isRecorded = false }: GrowthContext, reserved: ReadonlySet<string> = new Set()) {
    const issues = this.#issues
    this.#reserved = reserved
    this.#context = { tools, workflows, issues, isRecorded, path: [], depth: 0, valuesLeft: MAX_ARGUMENT_VALUES }
    this.#checker = new TaskChecker({}, this.#context, nested => checkRead(nested, this.#context), true)
  }

  /** Exchanges the tools and workflows that later tasks may name, and how strictly they are checked. */
  use({ tools, workflows, isRecorded = false }: GrowthContext): void {
    this.#context.tools = tools
    this.#context.workflows = workflows
    this.#context.isRecorded = isRecorded
  }

  /** Whether there is a task with this id. */
  has(id: string): boolean {
    return this.#checker.index.get(id) !== undefined
  }

  idAt(index: number): string {
    return this.#ids[index] as string
  }

  /**
   * Checks a task against those that were added; it is not added yet. Accepts any value and never throws because of it.
   * @param examine adds further issues
   * @returns its issues, whose pointers lead into the task
   */
  check(
    definition: unknown,
    examine: (growth: CheckedGrowth, issues: IssueList) => void,
  ): CheckedGrowth | readonly WorkflowIssue[] {
    const issues = this.#issues
    const [read] = readShape({ tasks: [definition] }, issues, this.#context.isRecorded)?.tasks ?? []
    const { tasks, nodes, nested, index } = this.#checker
    const at = index.mainCount
    const { valuesLeft } = this.#checker
    if (read !== undefined) this.#checker.check(read, at)
    this.#checkedValues = valuesLeft - this.#checker.valuesLeft
    const task = tasks.pop()
    nodes.length = 0
    const growth = task && { task, nested: nested.splice(0) }
    const place = formatPointer(['tasks', at])
    if (growth !== undefined) {
      const shared = this.#reserved.has(growth.task.id) ? growth.task.id : this.#tree.findClash(growth.task)
      if (shared !== undefined) {
        const message = `Expected ids to be unique, ${quoteName(shared)} is also the id of another task`
        issues.add('DUPLICATE_TASK_ID', `${place}/id`, message)
      }
      if (this.#count >= LIMITS.maxTasks) {
        issues.add('LIMIT_EXCEEDED', place, `Expected at most ${LIMITS.maxTasks.toLocaleString('en')} tasks`)
      }
      examine(growth, issues)
    }
    if (growth !== undefined && issues.count === 0) return growth
    // A refused task takes nothing from the bound of the others.
    this.#checker.valuesLeft = valuesLeft
    if (issues.count === 0) issues.add('INVALID_SHAPE', place, 'Expected a task')
    return issues.drain().map(issue => ({ ...issue, pointer: issue.pointer.replace(OWN_PLACE, '') }))
  }

  /** Adds a task that `check` has returned. */
  add(task: CheckedTask): void {
    this.#checker.index.grow(task.id)
    this.#ids.push(task.id)
    this.#tree.add(task)
    this.#values.set(task.id, this.#checkedValues)
    this.#count += 1
  }

  /** Adds the id of a task that was checked with the whole document. */
  addKnown(id: string): void {
    this.#checker.index.grow(id)
    this.#ids.push(id)
    this.#count += 1
  }

  /** Removes a task: its id is free again. */
  remove(id: string): void {
    this.#checker.index.shrink(id)
    this.#tree.remove(id)
    this.#checker.valuesLeft += this.#values.get(id) ?? 0
    this.#values.delete(id)
    this.#count -= 1
  }
}

/** The shape check has index 0, the other checks that of the task. */
const OWN_PLACE = /^\/tasks\/\d+/
