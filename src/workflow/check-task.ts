import { formatPointer, quoteName } from '../tools/json-pointer.ts'
import type { RegisteredTool, ToolRegistry } from '../tools/registry.ts'
import { compileTemplate, MAX_ARGUMENT_VALUES, type TemplateWalk } from './compile-template.ts'
import type { RetryPolicy } from './document.ts'
import type { IssueList } from './issues.ts'
import type { Reference } from './references.ts'
import { report } from './shape.ts'
import { Suggestions } from './suggestion.ts'
import { EMPTY_TEMPLATE, readSource, type Template } from './template.ts'

/** A task as a node of the graph. */
export interface TaskNode {
  /** Its index in the document. */
  readonly index: number
  readonly id: string
  /** Document indices of its dependencies, listed or referred to: unique, ascending, each of them a node. */
  readonly dependencies: readonly number[]
}

/** A task that has passed its checks. */
export interface CheckedTask extends TaskNode {
  readonly tool: RegisteredTool
  readonly arguments: Template
  readonly inputReferences: readonly InputReference[]
  readonly timeoutMs?: number
  readonly retry?: RetryPolicy
  /** @defaultValue 1 */
  readonly estimatedMs: number
  readonly name?: string
}

/** A reference into the input, and the string of the document that holds it. */
export interface InputReference {
  readonly reference: Reference
  readonly pointer: string
  /** The text directly after it. */
  readonly behind: string
}

/** A task after its shape check; invalid fields are `undefined`. */
export interface ReadTask {
  readonly id?: string
  readonly tool?: string
  readonly arguments?: object
  readonly dependsOn?: readonly (string | undefined)[]
  readonly depends_on?: readonly (string | undefined)[]
  readonly timeoutMs?: number
  readonly retry?: RetryPolicy
  readonly estimatedMs?: number
  readonly name?: string
}

const NONE: readonly never[] = Object.freeze([])

/** Checks the tasks of one document against each other and against the tools. */
export class TaskChecker {
  readonly tasks: CheckedTask[] = []
  readonly nodes: TaskNode[] = []
  readonly #tools: ToolRegistry
  /** Index of the first task with each id. */
  readonly #indices = new Map<string, number>()
  /** Whether no id is that of two tasks. */
  readonly #isUnique: boolean
  readonly #walk: TemplateWalk
  #taskHints: Suggestions | undefined
  #toolHints: Suggestions | undefined

  // State of the task being checked.
  #id: string | undefined
  #dependencies: number[] = []
  #inputReferences: InputReference[] = []
  /** Pointers, relative to the arguments, of the strings with references; collected only if the tool has a schema. */
  #referencePointers: string[] | undefined

  constructor(
    readTasks: readonly (ReadTask | undefined)[],
    tools: ToolRegistry,
    issues: IssueList,
    isRecorded: boolean,
  ) {
    this.#tools = tools
    let idCount = 0
    // Backwards, so that the first of several stays, with one access for each. Hints turn it round.
    for (let index = readTasks.length - 1; index >= 0; index--) {
      const id = readTasks[index]?.id
      if (id === undefined) continue
      idCount += 1
      this.#indices.set(id, index)
    }
    this.#isUnique = this.#indices.size === idCount
    this.#walk = {
      issues,
      path: [],
      isRecorded,
      around: [],
      valuesLeft: MAX_ARGUMENT_VALUES,
      onReference: (reference, behind) => this.#addReference(reference, behind),
    }
  }

  /** Checks one task. Adds a node if its id is valid and unique, and a task if its tool and arguments are valid, too. */
  check(task: ReadTask, index: number): void {
    const { path } = this.#walk
    const { id } = task
    path.push('tasks', index)
    this.#id = id
    this.#dependencies = []
    this.#inputReferences = []
    const isFirst = id !== undefined && this.#checkId(id, index)
    const tool = this.#checkTool(task.tool)
    this.#checkDependencies('dependsOn', task.dependsOn)
    this.#checkDependencies('depends_on', task.depends_on)
    const template = this.#checkArguments(task, tool)
    path.pop()
    path.pop()
    if (!isFirst) return
    const dependencies = sortUnique(this.#dependencies)
    if (tool === undefined || template === undefined) {
      this.nodes.push({ index, id, dependencies })
      return
    }
    const { timeoutMs, retry, estimatedMs = 1, name } = task
    const inputReferences = this.#inputReferences.length === 0 ? NONE : this.#inputReferences
    const checked: { -readonly [K in keyof CheckedTask]: CheckedTask[K] } = {
      index,
      id,
      dependencies,
      tool,
      arguments: template,
      inputReferences,
      estimatedMs,
    }
    // Assigned instead of spread: spreading costs more than all checks of the task together.
    if (timeoutMs !== undefined) checked.timeoutMs = timeoutMs
    if (retry !== undefined) checked.retry = retry
    if (name !== undefined) checked.name = name
    this.nodes.push(checked)
    this.tasks.push(checked)
  }

  #checkId(id: string, index: number): boolean {
    const first = this.#isUnique ? index : this.#indices.get(id)
    if (first === index) return true
    this.#at('id', () =>
      report(
        this.#walk,
        'DUPLICATE_TASK_ID',
        () => `Expected ids to be unique, ${quoteName(id)} is also that of /tasks/${first}`,
      ),
    )
    return false
  }

  #checkTool(name: string | undefined): RegisteredTool | undefined {
    const tool = name === undefined ? undefined : this.#tools.get(name)
    if (name !== undefined && tool === undefined) {
      const hint = (): string => (this.#toolHints ??= new Suggestions(this.#tools.names(), 'tools')).hintFor(name)
      this.#at('tool', () => report(this.#walk, 'UNKNOWN_TOOL', () => `There is no tool ${quoteName(name)}`, hint))
    }
    return tool
  }

  #checkDependencies(field: 'dependsOn' | 'depends_on', ids: ReadTask['dependsOn']): void {
    if (ids === undefined) return
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]
      if (id === undefined) continue
      const index = this.#indices.get(id)
      if (index !== undefined && id !== this.#id) this.#dependencies.push(index)
      else this.#at(field, () => this.#at(i, () => this.#refuseDependency(id, 'UNKNOWN_DEPENDENCY')))
    }
  }

  #addReference(reference: Reference, behind: string): void {
    const { path } = this.#walk
    this.#referencePointers?.push(formatPointer(path.slice(ARGUMENTS_DEPTH)))
    const { taskId } = reference
    if (taskId === undefined) {
      this.#inputReferences.push({ reference, pointer: formatPointer(path), behind })
      return
    }
    const index = this.#indices.get(taskId)
    if (index !== undefined && taskId !== this.#id) this.#dependencies.push(index)
    else this.#refuseDependency(taskId, 'UNKNOWN_REFERENCE')
  }

  #refuseDependency(id: string, unknown: 'UNKNOWN_DEPENDENCY' | 'UNKNOWN_REFERENCE'): void {
    if (id === this.#id) {
      report(this.#walk, 'SELF_DEPENDENCY', () => `The task ${quoteName(id)} depends on itself`)
    } else {
      report(
        this.#walk,
        unknown,
        () => `There is no task ${quoteName(id)}`,
        () => this.#hintForTask(id),
      )
    }
  }

  #hintForTask(id: string): string {
    this.#taskHints ??= new Suggestions([...this.#indices.keys()].toReversed(), 'tasks')
    return this.#taskHints.hintFor(id)
  }

  #checkArguments(task: ReadTask, tool: RegisteredTool | undefined): Template | undefined {
    const { path } = this.#walk
    const isAbsent = !Object.hasOwn(task, 'arguments')
    const { arguments: value } = task
    this.#referencePointers = tool?.hasSchema ? [] : undefined
    let template: Template | undefined = EMPTY_TEMPLATE
    if (!isAbsent) {
      // The shape check has reported it already.
      if (value === undefined) return undefined
      path.push('arguments')
      template = compileTemplate(value, this.#walk)
      path.pop()
    }
    if (template === undefined || !tool?.hasSchema) return template
    const base = formatPointer(path)
    for (const problem of tool.checkUnresolvedArguments(readSource(template), this.#referencePointers ?? [])) {
      const { issues } = this.#walk
      // For absent arguments, the pointer is that of the task.
      const pointer = isAbsent ? base : `${base}/arguments${problem.pointer}`
      issues.add('INVALID_ARGUMENTS', pointer, problem.message, { isAboutKey: problem.isAboutKey ?? false })
    }
    return template
  }

  #at(token: string | number, run: () => void): void {
    this.#walk.path.push(token)
    run()
    this.#walk.path.pop()
  }
}

/** Length of the path to a task's arguments: `tasks`, its index, `arguments`. */
const ARGUMENTS_DEPTH = 3

function sortUnique(indices: number[]): readonly number[] {
  if (indices.length === 0) return NONE
  if (isAscending(indices)) return indices
  indices.sort((a, b) => a - b)
  return indices.filter((index, i) => index !== indices[i - 1])
}

/** Fast path: most lists are short and sorted. */
function isAscending(indices: readonly number[]): boolean {
  for (let i = 1; i < indices.length; i++) if ((indices[i] as number) <= (indices[i - 1] as number)) return false
  return true
}
