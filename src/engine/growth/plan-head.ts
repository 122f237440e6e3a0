import { DagstreamError, invalidOption } from '../../errors.ts'
import { invalidWorkflow } from '../../plan/invalid-workflow.ts'
import { quoteName } from '../../tools/json-pointer.ts'
import { Suggestions } from '../../tools/suggestion.ts'
import { readShape } from '../../workflow/check-document.ts'
import { IssueList } from '../../workflow/issues.ts'
import type { ExecutionOptions } from '../options.ts'
import { isHead, type PlanLine, type PlanLineReader } from './plan-lines.ts'
import { PLAN_OPTIONS, type PlanOptions, type ResolvedPlanOptions, resolvePlanOptions } from './plan-options.ts'
import type { DAGStructure } from '../../workflow/document.ts'

/** The options that the first line of a plan may hold, beside those of a plan, and its texts and input. */
const EXECUTION_FIELDS = ['schedule', 'maxConcurrency', 'timeoutMs', 'onTaskError'] as const

/** The options line of a plan. */
export interface PlanHead {
  readonly name?: string
  readonly description?: string
  /** Present if the line has an input. */
  readonly input?: unknown
  readonly options: Pick<ExecutionOptions, (typeof EXECUTION_FIELDS)[number]>
  readonly plan: PlanOptions
  /** Not checked: only a server has one. */
  readonly onDisconnect?: unknown
}

/** The beginning of a plan. */
export interface BegunPlan {
  readonly head: PlanHead
  /** Number of lines before its first task: 0 without a line of options. */
  readonly firstLine: number
  /** The first line of the rest. */
  readonly first: PlanLine | undefined
}

const FIELDS: readonly string[] = ['name', 'description', 'input', ...EXECUTION_FIELDS, 'onDisconnect', ...PLAN_OPTIONS]

/**
 * Reads the first line of a plan, which may hold its options.
 * @throws `INVALID_OPTION`, `INVALID_WORKFLOW` for a name or description; what the source throws
 */
export async function readHead(reader: PlanLineReader): Promise<BegunPlan> {
  const first = await reader.next()
  if (first === undefined || !('value' in first) || !isHead(first.value)) {
    return { head: { options: {}, plan: {} }, firstLine: 0, first }
  }
  return { head: parseHead(first.value), firstLine: first.line, first: undefined }
}

function parseHead(value: Readonly<Record<string, unknown>>): PlanHead {
  const unknown = Object.keys(value).find(key => !FIELDS.includes(key))
  if (unknown !== undefined) {
    const hint = new Suggestions(FIELDS, 'options of a plan', FIELDS.length).hintFor(unknown)
    throw new DagstreamError('INVALID_OPTION', `Unknown option ${quoteName(unknown)} in the first line. ${hint}`, {
      details: { option: unknown },
    })
  }
  const { name, description, input, onDisconnect } = value
  const issues = new IssueList()
  const texts = { ...(name !== undefined && { name }), ...(description !== undefined && { description }) }
  readShape({ ...texts, tasks: [] }, issues, false)
  if (issues.count > 0) throw invalidWorkflow(issues)
  const pick = (names: readonly string[]): object =>
    Object.fromEntries(names.flatMap(each => (Object.hasOwn(value, each) ? [[each, value[each]]] : [])))
  return {
    ...(texts as Pick<PlanHead, 'name' | 'description'>),
    ...(Object.hasOwn(value, 'input') && { input }),
    options: pick(EXECUTION_FIELDS),
    plan: pick(PLAN_OPTIONS),
    ...(onDisconnect !== undefined && { onDisconnect }),
  }
}

/** The options of the execution of a plan: tasks start as soon as they can. @throws `INVALID_OPTION` for `layers` */
export function scheduleOf(...given: readonly (ExecutionOptions | undefined)[]): { readonly schedule: 'dataflow' } {
  for (const options of given) {
    if (options?.schedule === undefined || options.schedule === 'dataflow') continue
    throw invalidOption('schedule', '"dataflow" for a plan that is still being written', options.schedule)
  }
  return { schedule: 'dataflow' }
}

/** Options of a plan that are given beside it. They win over those of its first line; `undefined` counts as absent. */
export interface GivenBeside {
  readonly name?: string | undefined
  readonly description?: string | undefined
  readonly input?: unknown
  readonly plan: { readonly [Name in keyof PlanOptions]?: PlanOptions[Name] | undefined }
  readonly options: ExecutionOptions
}

/** A plan whose execution can begin in this process. */
export interface LocalPlan {
  /** Has no tasks yet. */
  readonly workflow: DAGStructure
  readonly input: unknown
  /** Later ones win. */
  readonly options: readonly ExecutionOptions[]
  readonly streamed: ResolvedPlanOptions
  readonly first: PlanLine | undefined
}

/** Reads the first line of a plan that runs in this process. @throws as `readHead`; `INVALID_OPTION` for an option of servers */
export async function beginLocally(reader: PlanLineReader, given: GivenBeside): Promise<LocalPlan> {
  const { head, firstLine, first } = await readHead(reader)
  if (head.onDisconnect !== undefined)
    throw invalidOption('onDisconnect', 'absent: only a server has it', head.onDisconnect)
  const { name = head.name, description = head.description, input = head.input } = given
  return {
    workflow: { ...(name !== undefined && { name }), ...(description !== undefined && { description }), tasks: [] },
    input,
    options: [head.options, given.options, scheduleOf(head.options, given.options)],
    streamed: resolvePlanOptions(firstLine, head.plan, given.plan),
    first,
  }
}
