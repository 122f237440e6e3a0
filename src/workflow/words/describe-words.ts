import type { ItemWords, RoundWords, TaskWords } from '../checked-document.ts'
import type { DAGTask } from '../document.ts'
import { readSource, type Template } from '../template.ts'
import { describeTolerance } from './tolerance.ts'

/** The fields of a task that most tasks do without. */
export function describeFields({ timeoutMs, retry, when, runOn, optional }: TaskFields): Partial<DAGTask> {
  return {
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(retry !== undefined && { retry }),
    ...(when !== undefined && { when: when.source }),
    ...(runOn !== undefined && { runOn }),
    ...(optional !== undefined && { optional: true, default: optional.default.read() }),
  }
}

interface TaskFields extends Pick<TaskWords, 'when' | 'runOn' | 'optional'>, Pick<DAGTask, 'timeoutMs' | 'retry'> {}

/** The fields of a task that runs once per item. */
export function describeItems({ items, concurrency, tolerate }: ItemWords): Partial<DAGTask> {
  const forEach =
    items.kind === 'list'
      ? readSource(items.list)
      : Object.fromEntries(items.keys.map((key, i) => [key, readSource(items.lists[i] as Template)]))
  return { forEach, tolerate: describeTolerance(tolerate), ...(concurrency !== undefined && { concurrency }) }
}

/** The field of a task that is repeated. */
export function describeRounds({ until, everyMs, factor, maxTimes, onExhausted }: RoundWords): Partial<DAGTask> {
  return { repeat: { everyMs, factor, maxTimes, onExhausted, ...(until !== undefined && { until: until.source }) } }
}
