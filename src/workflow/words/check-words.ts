import type { Condition } from '../../conditions/condition.ts'
import { JsonValue } from '../../events/json-value.ts'
import { formatPointer, quoteName } from '../../tools/json-pointer.ts'
import type { RegisteredTool } from '../../tools/registry.ts'
import { Suggestions } from '../../tools/suggestion.ts'
import { checkApproval } from './check-approval.ts'
import { checkCondition, ROUND_NAMES, TASK_NAMES } from './check-condition.ts'
import { checkItems } from './check-items.ts'
import type {
  CacheWords,
  CheckedDocument,
  ItemWords,
  NestedWorkflow,
  RoundWords,
  TaskWords,
  UnusableWorkflow,
  WorkflowLookup,
} from '../checked-document.ts'
import { compileTemplate, type TemplateWalk } from '../compile-template.ts'
import { LIMITS } from '../document.ts'
import { type Place, type PlaceKind, placeOf } from '../place.ts'
import type { ReadDocument, ReadTask } from '../read-document.ts'
import { readSource } from '../template.ts'
import { parseTolerance } from './tolerance.ts'
import { report, type Walk } from '../walk.ts'
import { createWorkflowTool } from '../workflow-input.ts'

/** The context in which the words of a task are checked. */
export interface WordChecks {
  readonly walk: TemplateWalk
  readonly isFinally: boolean
  /** The tool of the task, if it is known. */
  readonly tool: RegisteredTool | undefined
  /** Depth of the document. */
  readonly depth: number
  readonly workflows: WorkflowLookup | undefined
  /** Adds a dependency on a task that a condition names, or reports that there is none. */
  refer(taskId: string): void
  /** Checks a workflow that the task holds, at the walk's path. */
  checkNested(document: ReadDocument): CheckedDocument
}

/** The place of a task's arguments. */
export function placeOfTask(task: ReadTask, isFinally: boolean): Place {
  const children = task.forEach !== undefined ? 'item' : task.repeat !== undefined ? 'round' : 'none'
  return placeOf(kindOf(task, isFinally), children)
}

function kindOf({ runOn }: ReadTask, isFinally: boolean): PlaceKind {
  if (isFinally) return 'finally'
  return runOn === 'failure' || runOn === 'settled' ? 'failure' : 'plain'
}

/** Checks the workflow of a task. @returns `undefined` if it is unknown or unusable */
export function checkWorkflow(
  workflow: string | ReadDocument,
  checks: WordChecks,
): { readonly tool: RegisteredTool; readonly nested: NestedWorkflow } | undefined {
  const { walk, workflows } = checks
  if (typeof workflow !== 'string') {
    const document = checks.checkNested(workflow)
    return { tool: createWorkflowTool(undefined, document.inputCheck), nested: Object.freeze({ document }) }
  }
  const found = workflows?.find(workflow)
  if (found === undefined) {
    const hint = (): string => new Suggestions(workflows?.names() ?? [], 'registered workflows').hintFor(workflow)
    report(walk, 'UNKNOWN_WORKFLOW', () => `There is no workflow ${quoteName(workflow)}`, hint)
    return undefined
  }
  if ('issues' in found) {
    reportUnusable(found, walk)
    return undefined
  }
  if (checks.depth + 1 + found.depth > LIMITS.maxDepth) {
    report(walk, 'LIMIT_EXCEEDED', () => `Nested deeper than ${LIMITS.maxDepth} workflows below the document`)
    return undefined
  }
  const tool = createWorkflowTool(workflow, found.inputCheck)
  return { tool, nested: Object.freeze({ name: workflow, known: found }) }
}

function reportUnusable({ circle, issues: faults }: UnusableWorkflow, { issues, path }: Walk): void {
  const pointer = formatPointer(path)
  if (circle !== undefined) {
    const shown = circle.length <= 9 ? circle : [...circle.slice(0, 4), '…', ...circle.slice(-4)]
    const message = `Expected no recursion of workflows, found ${shown.map(quoteName).join(' → ')}`
    issues.add('RECURSIVE_WORKFLOW', pointer, message, { path: circle, hint: 'Remove one of these uses' })
  }
  for (const { code, message, hint } of faults) issues.add(code, pointer, message, hint === undefined ? {} : { hint })
}

/** Checks the words of a task, except for its workflow. Invalid ones are omitted. */
export function checkWords(task: ReadTask, nested: NestedWorkflow | undefined, checks: WordChecks): TaskWords {
  const { walk } = checks
  const { runOn, optional, forEach, repeat, cache } = task
  const words: { -readonly [K in keyof TaskWords]: TaskWords[K] } = {}
  if (runOn !== undefined && runOn !== 'success') words.runOn = runOn
  if (nested !== undefined) words.workflow = nested
  if (optional === true) words.optional = Object.freeze({ default: checkDefault(task, walk) })
  const approve = checkApproval(
    task,
    placeOf(kindOf(task, checks.isFinally), forEach === undefined ? 'none' : 'item'),
    walk,
  )
  if (approve !== undefined) words.approve = approve
  const when = at(walk, 'when', () => checkWhen(task, checks))
  if (when !== undefined) words.when = when
  if (forEach !== undefined) {
    const items = at(walk, 'forEach', () => checkForEach(task, checks))
    if (items !== undefined) words.forEach = items
  }
  if (repeat !== undefined) words.repeat = at(walk, 'repeat', () => checkRepeat(repeat, walk))
  if (cache !== undefined) words.cache = at(walk, 'cache', () => checkCache(task, cache, checks))
  return Object.freeze(words)
}

function checkCache(task: ReadTask, cache: NonNullable<ReadTask['cache']>, checks: WordChecks): CacheWords {
  const { walk, tool, isFinally } = checks
  const { ttlMs = 0, key: source, effects = false } = cache
  // A recorded document has passed this check with the tools of its time.
  if (walk.isRecorded || tool === undefined) {
    // Nothing to check.
  } else if (tool.isPlanner) {
    report(walk, 'INVALID_SHAPE', () => `Expected no \`cache\` beside ${quoteName(tool.name)}: its tasks may have one`)
  } else if (!effects && tool.tool.readOnly !== true) {
    const hint = (): string => 'Add `"effects": true` if calls may be left out, with what they do'
    report(walk, 'INVALID_SHAPE', () => `Expected a read-only tool beside \`cache\`, got ${quoteName(tool.name)}`, hint)
  }
  walk.place = placeOfTask(task, isFinally)
  const key = source === undefined ? undefined : at(walk, 'key', () => compileTemplate(source, walk))
  return Object.freeze({ ttlMs, ...(key !== undefined && { key }), ...(effects && { effects: true as const }) })
}

function checkDefault(task: ReadTask, walk: TemplateWalk): JsonValue {
  if (task.default === undefined) return JsonValue.null
  walk.place = 'literal'
  const template = at(walk, 'default', () => compileTemplate(task.default, walk))
  return template === undefined ? JsonValue.null : JsonValue.from(readSource(template))
}

function checkWhen({ when, forEach }: ReadTask, checks: WordChecks): Condition | undefined {
  if (when === undefined) return undefined
  const names = [
    ...TASK_NAMES,
    ...(forEach === undefined ? [] : (['item', 'index'] as const)),
    ...(checks.isFinally ? (['execution'] as const) : []),
  ]
  const condition = checkCondition(when, names, checks.walk)
  for (const { taskId } of condition?.references ?? []) if (taskId !== undefined) checks.refer(taskId)
  return condition
}

function checkForEach(task: ReadTask, { walk, isFinally }: WordChecks): ItemWords | undefined {
  const { concurrency, tolerate = 0 } = task
  walk.place = placeOf(kindOf(task, isFinally))
  const items = checkItems(task.forEach, walk)
  if (items === undefined) return undefined
  const tolerance = Object.freeze(parseTolerance(tolerate))
  return Object.freeze({ items, tolerate: tolerance, ...(concurrency !== undefined && { concurrency }) })
}

function checkRepeat(repeat: NonNullable<ReadTask['repeat']>, walk: TemplateWalk): RoundWords {
  const { everyMs = 0, factor = 1, maxTimes = 1, onExhausted = 'fail' } = repeat
  const source = repeat.until
  const until = source === undefined ? undefined : at(walk, 'until', () => checkCondition(source, ROUND_NAMES, walk))
  return Object.freeze({ everyMs, factor, maxTimes, onExhausted, ...(until !== undefined && { until }) })
}

function at<T>({ path }: TemplateWalk, token: string, check: () => T): T {
  path.push(token)
  const result = check()
  path.pop()
  return result
}
