import type { Follower } from './follower.ts'
import { readOutcome, type Result } from './outcome.ts'
import type { Call, Death, Site } from './site.ts'
import type { Stored, StoredLog } from './stored-log.ts'

/** An entry of a log with its data. */
interface Entry extends Stored {
  readonly data: Readonly<Record<string, unknown>>
}

/** Tasks whose children run in their place. */
function findParents(entries: readonly Entry[]): ReadonlySet<unknown> {
  const added = entries.filter(({ type }) => type === 'tasks_added').map(({ data }) => data['parentId'])
  const fanOuts = entries.filter(({ data }) => data['itemCount'] !== undefined).map(({ data }) => data['taskId'])
  return new Set([...added, ...fanOuts])
}

/** Ids of the tasks that `tasks_added` told of. */
function findAdded(entries: readonly Entry[]): unknown[] {
  return entries.flatMap(({ data }) => ((data['tasks'] ?? []) as { taskId?: unknown }[]).map(({ taskId }) => taskId))
}

/** What a client saw. */
interface Seer extends Pick<Follower, 'executionId' | 'seen' | 'breaks' | 'workflow' | 'callsAtCancel'> {
  /** Whether workers run the attempts: one that has taken an order calls its tool though the execution was cancelled meanwhile. */
  readonly hasWorkers?: boolean
}

/** Everything that is wrong with one execution after its server was killed, a line each. */
export function findFaults(
  site: Pick<Site, 'deaths' | 'readCalls'>,
  follower: Seer,
  log: StoredLog | undefined,
  result: unknown,
  expected: unknown,
): string[] {
  const { executionId } = follower
  if (log === undefined || executionId === undefined) return ['The store does not have the execution']
  const entries = log.entries.map(entry => ({ ...entry, data: JSON.parse(entry.json) as Entry['data'] }))
  const calls = site.readCalls()
  const isOwn = (call: Call): boolean => call.executionId === executionId && call.moment === 'begun'
  const deaths = site.deaths.map(death => ({ ...death, entries: death.logs.get(executionId)?.entries ?? [] }))
  return [
    ...findWrongOutcome(log, result, expected),
    ...findWrongOrder(entries),
    ...findWrongAttempts(entries),
    ...findWrongUsage(entries, result as Result),
    ...findWrongStream(follower, entries, deaths),
    ...findWrongCalls(follower, entries, calls.filter(isOwn)),
    ...deaths.flatMap(death => findForgotten(death.entries, entries, calls.slice(death.callCount).filter(isOwn))),
    ...findLateCalls(follower, entries, calls.slice(follower.callsAtCancel ?? calls.length).filter(isOwn)),
  ]
}

/** Only `finally` tasks are called after it was answered that the execution is cancelled, or what workers had then. */
function findLateCalls(
  { workflow, hasWorkers = false }: Seer,
  entries: readonly Entry[],
  late: readonly Call[],
): string[] {
  const { finally: last = [] } = workflow.body.workflow
  const stop = hasWorkers ? entries.findIndex(({ type }) => type === 'execution_stopping') : 0
  const ordered = entries.slice(0, stop).filter(({ type }) => type === 'task_start')
  const isOrdered = ({ taskId, attempt }: Call): boolean =>
    ordered.some(({ data }) => data['taskId'] === taskId && data['attempt'] === attempt)
  const wrong = late.filter(call => !last.some(({ id }) => id === call.taskId) && !isOrdered(call))
  return wrong.map(({ taskId }) => `${taskId} was called after it was answered that the execution is cancelled`)
}

function findWrongOutcome(log: StoredLog, result: unknown, expected: unknown): string[] {
  const [found, wanted] = [JSON.stringify(readOutcome(result)), JSON.stringify(expected)]
  return [
    ...(found === wanted ? [] : [`Another result: ${found.slice(0, 1500)} instead of ${wanted.slice(0, 1500)}`]),
    ...(log.status === (result as Result).status ? [] : [`The record says ${log.status}`]),
  ]
}

/** No gap, one beginning, one end, one end of each task, none of them before what it waits for. */
function findWrongOrder(entries: readonly Entry[]): string[] {
  const faults: string[] = []
  for (const [at, { seq }] of entries.entries()) if (seq !== at + 1) faults.push(`Entry ${at + 1} has seq ${seq}`)
  const count = (type: string): number => entries.filter(entry => entry.type === type).length
  if (count('execution_start') !== 1 || entries[0]?.type !== 'execution_start') faults.push('Not one beginning')
  if (count('execution_complete') !== 1 || entries.at(-1)?.type !== 'execution_complete') faults.push('Not one end')
  const { layers = [], schedule } = (entries[0]?.data ?? {}) as { layers?: string[][]; schedule?: string }
  const completed = new Set<string>()
  for (const { type, data } of entries) {
    const taskId = data['taskId'] as string
    if (type === 'task_complete') {
      if (completed.has(taskId)) faults.push(`${taskId} is completed twice`)
      completed.add(taskId)
    } else if (type === 'task_start' && schedule === 'layers') {
      const early = layers.slice(0, data['layer'] as number).flat()
      const missing = early.filter(id => !completed.has(id))
      if (missing.length > 0) faults.push(`${taskId} starts before ${missing.join()} are complete`)
    }
  }
  const all = [...layers.flat(), ...findAdded(entries.filter(({ type }) => type === 'tasks_added'))]
  if (completed.size !== all.length) faults.push(`${completed.size} of ${all.length} tasks are complete`)
  return faults
}

/** From 1 on, one after the other, each ended before the next, which waits as long as was told. */
function findWrongAttempts(entries: readonly Entry[]): string[] {
  const faults: string[] = []
  const open = new Map<string, number>()
  const retries = new Map<string, Entry>()
  for (const entry of entries) {
    const { type, data } = entry
    const { taskId, attempt } = data as { taskId: string; attempt?: number }
    const retry = retries.get(taskId)
    if (type === 'task_start') {
      if (open.has(taskId)) faults.push(`${taskId} starts attempt ${attempt} while another is open`)
      if (attempt !== ((retry?.data['attempt'] as number | undefined) ?? 0) + 1) {
        faults.push(`${taskId} starts with attempt ${attempt}`)
      }
      const waited = retry && Date.parse(data['timestamp'] as string) - Date.parse(retry.data['timestamp'] as string)
      // A timer may fire a millisecond early; what a clock that was set back says of waits means nothing.
      if (waited !== undefined && waited >= 0 && waited < (retry?.data['delayMs'] as number) - 2) {
        faults.push(`${taskId} waited ${waited} ms instead of ${retry?.data['delayMs'] as number}`)
      }
      open.set(taskId, attempt as number)
    } else if (type === 'task_retry') {
      if (open.get(taskId) !== attempt) faults.push(`${taskId} retries attempt ${attempt}, which is not open`)
      open.delete(taskId)
      retries.set(taskId, entry)
    } else if (type === 'task_complete') {
      const attempts = open.get(taskId) ?? (retry?.data['attempt'] as number | undefined) ?? 0
      if (data['attempts'] !== attempts)
        faults.push(`${taskId} tells of ${String(data['attempts'])} attempts, not ${attempts}`)
      open.delete(taskId)
    } else if (attempt !== undefined && open.get(taskId) !== attempt) {
      faults.push(`${type} of ${taskId} outside its attempt ${attempt}`)
    }
  }
  return faults
}

/** The sum of what the attempts told, each once. */
function findWrongUsage(entries: readonly Entry[], { tokenUsage = {} }: Result): string[] {
  const sum: Record<string, number> = {}
  const seen = new Set<string>()
  const faults: string[] = []
  for (const { type, data } of entries) {
    if (type !== 'token_usage') continue
    const attempt = `${String(data['taskId'])} ${String(data['attempt'])}`
    if (seen.has(attempt)) faults.push(`The usage of ${attempt} is told twice`)
    seen.add(attempt)
    for (const [name, value] of Object.entries(data['tokenUsage'] as Record<string, number>)) {
      sum[name] = (sum[name] ?? 0) + value
    }
  }
  const isSame = Object.entries(tokenUsage).every(([name, value]) => name === 'contextTokens' || sum[name] === value)
  if (!isSame) faults.push(`The usage is ${JSON.stringify(tokenUsage)}, its parts come to ${JSON.stringify(sum)}`)
  return faults
}

/** Every event once, in order, to the byte; none of them before it was in the file. */
function findWrongStream(
  { executionId, seen, breaks }: Seer,
  entries: readonly Entry[],
  deaths: readonly (Death & { readonly entries: readonly Stored[] })[],
): string[] {
  const faults: string[] = []
  if (seen.length !== entries.length) faults.push(`${seen.length} of ${entries.length} events came`)
  for (const [at, { id, type, json }] of seen.entries()) {
    const entry = entries[at]
    if (id !== `${executionId}.${at + 1}`) faults.push(`Event ${at + 1} came with id ${id}`)
    if (type !== entry?.type || json !== toWire(entry))
      faults.push(`Event ${at + 1} came as ${type} ${json.slice(0, 200)}`)
  }
  for (const { pid, lastSeq } of breaks) {
    const kept = deaths.find(death => death.pid === pid)?.entries.length ?? 0
    if (lastSeq > kept) faults.push(`Event ${lastSeq} had come, and the file ended with ${kept}`)
  }
  return faults
}

/** The data of an event without what only the log keeps of it. */
function toWire({ type, json }: Entry): string {
  if (type !== 'execution_start') return json
  const { estimatesMs: _, ...data } = JSON.parse(json) as Record<string, unknown>
  return JSON.stringify(data)
}

/** Called only for attempts that were told of before, once each, under one key. */
function findWrongCalls({ executionId }: Seer, entries: readonly Entry[], own: readonly Call[]): string[] {
  const faults: string[] = []
  const started = new Set(
    entries
      .filter(({ type }) => type === 'task_start')
      .map(({ data }) => `${String(data['taskId'])} ${String(data['attempt'])}`),
  )
  const called = new Set<string>()
  for (const { taskId, attempt, key } of own) {
    const call = `${taskId} ${attempt}`
    if (!started.has(call)) faults.push(`${call} was called and not told of`)
    if (called.has(call)) faults.push(`${call} was called twice`)
    if (key !== `${executionId}.${taskId}`) faults.push(`${call} was called under ${key}`)
    called.add(call)
  }
  const parents = findParents(entries)
  for (const { type, data } of entries) {
    if (type !== 'task_complete' || data['status'] !== 'success' || parents.has(data['taskId'])) continue
    const last = `${String(data['taskId'])} ${String(data['attempts'])}`
    if (!called.has(last)) faults.push(`${last} succeeded without a call`)
  }
  return faults
}

/** What one death left stays as it is; what was cut by it is told to be, or was being ended anyway. */
function findForgotten(left: readonly Stored[], entries: readonly Entry[], later: readonly Call[]): string[] {
  const faults: string[] = []
  for (const [at, { type, json }] of left.entries()) {
    if (entries[at]?.type !== type || entries[at]?.json !== json)
      faults.push(`Entry ${at + 1} is another one afterwards`)
  }
  const past = entries.slice(0, left.length)
  const settled = new Set(past.filter(({ type }) => type === 'task_complete').map(({ data }) => data['taskId']))
  for (const { taskId, attempt } of later) {
    if (settled.has(taskId)) faults.push(`${taskId} had settled, and was called again as attempt ${attempt}`)
  }
  const open = new Map<unknown, Entry>()
  for (const entry of past) {
    if (entry.type === 'task_start') open.set(entry.data['taskId'], entry)
    else if (entry.type === 'task_retry' || entry.type === 'task_complete') open.delete(entry.data['taskId'])
  }
  const parents = findParents(entries)
  for (const [taskId, { data }] of open) {
    // Their children are cut, each by itself.
    if (parents.has(taskId)) continue
    const next = entries.slice(left.length).find(each => each.data['taskId'] === taskId)
    const isRecorded = next?.type === 'task_retry' && next.data['code'] === 'INTERRUPTED' && next.data['delayMs'] === 0
    const isEnded = next?.type === 'task_complete' && next.data['status'] === 'cancelled'
    if (!isEnded && !(isRecorded && next?.data['attempt'] === data['attempt'])) {
      faults.push(`The cut attempt of ${String(taskId)} is followed by ${next?.type} ${next?.json.slice(0, 200)}`)
    }
  }
  return faults
}
