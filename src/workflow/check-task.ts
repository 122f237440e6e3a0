import { formatPointer, quoteName } from '../tools/json-pointer.ts'
import type { RegisteredTool, ToolRegistry } from '../tools/registry.ts'
import { Suggestions } from '../tools/suggestion.ts'
import { checkWords, checkWorkflow, placeOfTask, type WordChecks } from './words/check-words.ts'
import type { CheckedDocument, CheckedTask, TaskNode, WorkflowLookup } from './checked-document.ts'
import { compileTemplate, type TemplateWalk } from './compile-template.ts'
import type { IssueList } from './issues.ts'
import { PLAIN, placeOf } from './place.ts'
import { type ReadDocument, type ReadTask, usesWords } from './read-document.ts'
import type { TaskIndex } from './task-index.ts'
import { TaskReferences } from './task-references.ts'
import { EMPTY_TEMPLATE, readSource, type Template } from './template.ts'
import { report } from './walk.ts'
import type { InputReference } from './workflow-input.ts'

/** The state that a document and its nested workflows share during their check. */
export interface CheckContext {
  /** May be exchanged between two tasks of a growing document. */
  tools: ToolRegistry
  workflows: WorkflowLookup | undefined
  readonly issues: IssueList
  /** Whether an earlier version may have accepted the document. May change like the tools. */
  isRecorded: boolean
  /** Path of the current value. */
  readonly path: (string | number)[]
  /** Number of workflows around the current document. */
  depth: number
  /** Remaining number of values in all arguments. Up to date while no task is being checked. */
  valuesLeft: number
}

/** Checks the tasks of one document against each other and against the tools. */
export class TaskChecker {
  readonly tasks: CheckedTask[] = []
  readonly nodes: TaskNode[] = []
  readonly nested: CheckedDocument[] = []
  readonly #context: CheckContext
  readonly #checkNested: (document: ReadDocument) => CheckedDocument
  readonly #references: TaskReferences
  readonly #walk: TemplateWalk
  #toolHints: Suggestions | undefined

  /**
   * @param checkNested checks a workflow that a task holds, at the context's path
   * @param isGrowing the document has no tasks yet: they are added to the index one by one
   */
  constructor(
    document: ReadDocument,
    context: CheckContext,
    checkNested: (document: ReadDocument) => CheckedDocument,
    isGrowing = false,
  ) {
    const { issues, path, valuesLeft } = context
    this.#context = context
    this.#checkNested = checkNested
    this.#walk = {
      issues,
      path,
      get isRecorded() {
        return context.isRecorded
      },
      around: [],
      valuesLeft,
      onReference: (reference, behind) => this.#references.add(reference, behind),
    }
    this.#references = new TaskReferences(document, this.#walk, isGrowing)
  }

  get index(): TaskIndex {
    return this.#references.index
  }

  /** Remaining number of values in all arguments. Assign it only while no task is being checked. */
  get valuesLeft(): number {
    return this.#walk.valuesLeft
  }

  set valuesLeft(count: number) {
    this.#walk.valuesLeft = count
  }

  /** Checks one task. Adds a node if its id is valid and unique, and a task if its tool and arguments are valid, too. */
  check(task: ReadTask, index: number): void {
    const { path } = this.#walk
    const { id } = task
    const isFinally = this.index.isFinally(index)
    path.push(isFinally ? 'finally' : 'tasks', isFinally ? index - this.index.mainCount : index)
    const isFirst = id !== undefined && this.#checkId(id, index)
    const tool = task.workflow === undefined ? this.#checkTool(task.tool) : undefined
    this.#references.begin(task, isFinally)
    const checked =
      isFinally || usesWords(task)
        ? this.#checkWords(task, tool, isFinally)
        : this.#checkCall(task, this.#checkArguments(task, tool), tool)
    path.length -= 2
    if (!isFirst) return
    const reads = this.index.usesLanguage ? this.#references.takeReads() : undefined
    const dependencies = this.#references.takeDependencies()
    if (checked === undefined) {
      this.nodes.push({ index, id, dependencies })
      return
    }
    checked.index = index
    checked.dependencies = dependencies
    if (reads !== undefined) checked.reads = reads
    this.nodes.push(checked)
    this.tasks.push(checked)
  }

  /** Checks the output of the document. Its references are not dependencies. */
  checkOutput(output: unknown): { template: Template | undefined; references: readonly InputReference[] } {
    this.#references.begin(undefined, false)
    this.#walk.place = placeOf('output')
    const template = this.#at('output', () => compileTemplate(output, this.#walk))
    this.#context.valuesLeft = this.#walk.valuesLeft
    return { template, references: this.#references.inputReferences }
  }

  #checkCall(
    task: ReadTask,
    template: Template | undefined,
    tool: RegisteredTool | undefined,
  ): MutableTask | undefined {
    if (tool === undefined || template === undefined) return undefined
    const { id = '', timeoutMs, retry, estimatedMs = 1, name } = task
    const { inputReferences } = this.#references
    const checked: MutableTask = {
      index: 0,
      id,
      dependencies: NONE,
      tool,
      arguments: template,
      inputReferences,
      estimatedMs,
    }
    // Assigned instead of spread: spreading costs more than all checks of the task together.
    if (timeoutMs !== undefined) checked.timeoutMs = timeoutMs
    if (retry !== undefined) checked.retry = retry
    if (name !== undefined) checked.name = name
    return checked
  }

  #checkWords(task: ReadTask, tool: RegisteredTool | undefined, isFinally: boolean): MutableTask | undefined {
    const { workflow } = task
    const checks: WordChecks = {
      walk: this.#walk,
      isFinally,
      tool,
      depth: this.#context.depth,
      workflows: this.#context.workflows,
      refer: taskId => this.#references.refer(taskId),
      checkNested: document => this.#enter(document),
    }
    const found = workflow === undefined ? undefined : this.#at('workflow', () => checkWorkflow(workflow, checks))
    const words = checkWords(task, found?.nested, checks)
    const runner = tool ?? found?.tool
    this.#walk.place = placeOfTask(task, isFinally)
    const template = this.#checkArguments(task, runner)
    this.#walk.place = PLAIN
    const checked = this.#checkCall(task, template, runner)
    if (checked !== undefined && Object.keys(words).length > 0) checked.words = words
    return checked
  }

  #enter(document: ReadDocument): CheckedDocument {
    const context = this.#context
    context.valuesLeft = this.#walk.valuesLeft
    context.depth += 1
    const checked = this.#checkNested(document)
    context.depth -= 1
    this.#walk.valuesLeft = context.valuesLeft
    this.nested.push(checked)
    return checked
  }

  #checkId(id: string, index: number): boolean {
    const first = this.index.firstOf(id, index) ?? index
    if (first === index) return true
    const { isGrowing } = this.index
    const place = formatPointer([...this.#walk.path.slice(0, -2), ...this.index.pathOf(first)])
    const message = (): string =>
      `Expected ids to be unique, ${quoteName(id)} is also the id of ${isGrowing ? 'an earlier task' : place}`
    this.#at('id', () => report(this.#walk, 'DUPLICATE_TASK_ID', message))
    return false
  }

  #checkTool(name: string | undefined): RegisteredTool | undefined {
    const { tools } = this.#context
    const tool = name === undefined ? undefined : tools.get(name)
    if (name !== undefined && tool === undefined) {
      const hint = (): string => (this.#toolHints ??= new Suggestions(tools.names(), 'tools')).hintFor(name)
      this.#at('tool', () => report(this.#walk, 'UNKNOWN_TOOL', () => `There is no tool ${quoteName(name)}`, hint))
    }
    return tool
  }

  #checkArguments(task: ReadTask, tool: RegisteredTool | undefined): Template | undefined {
    const { path } = this.#walk
    const isAbsent = !Object.hasOwn(task, 'arguments')
    const { arguments: value } = task
    const references = tool?.hasSchema ? this.#references.collectPointers() : []
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
    for (const problem of tool.checkUnresolvedArguments(readSource(template), references)) {
      const { issues } = this.#walk
      // For absent arguments, the pointer is that of the task.
      const pointer = isAbsent ? base : `${base}/arguments${problem.pointer}`
      issues.add('INVALID_ARGUMENTS', pointer, problem.message, { isAboutKey: problem.isAboutKey ?? false })
    }
    return template
  }

  #at<T>(token: string | number, run: () => T): T {
    this.#walk.path.push(token)
    const result = run()
    this.#walk.path.pop()
    return result
  }
}

type MutableTask = { -readonly [K in keyof CheckedTask]: CheckedTask[K] }

const NONE: readonly never[] = Object.freeze([])
