import type { ApprovalWords, CacheWords, ItemWords, RoundWords, TaskWords } from '../checked-document.ts'
import type { CachePolicy, DAGTaskFields } from '../document.ts'
import { readSource, type Template } from '../template.ts'
import { describeTolerance } from './tolerance.ts'

/** The fields of a task that most tasks do without. */
export function describeFields(words: TaskFields): Partial<DAGTaskFields> {
  const { timeoutMs, retry, when, runOn, optional, approve, cache } = words
  const fields: { -readonly [K in keyof DAGTaskFields]?: DAGTaskFields[K] } = {}
  // Assigned instead of spread: a document may have many tasks, and each execution records it.
  if (timeoutMs !== undefined) fields.timeoutMs = timeoutMs
  if (retry !== undefined) fields.retry = retry
  if (when !== undefined) fields.when = when.source
  if (runOn !== undefined) fields.runOn = runOn
  if (approve !== undefined) fields.approve = describeApproval(approve)
  if (optional !== undefined) {
    fields.optional = true
    fields.default = optional.default.read()
  }
  if (cache !== undefined) fields.cache = describeCache(cache)
  return fields
}

interface TaskFields
  extends Pick<TaskWords, 'when' | 'runOn' | 'optional' | 'approve' | 'cache'>,
    Pick<DAGTaskFields, 'timeoutMs' | 'retry'> {}

function describeCache({ ttlMs, key, effects }: CacheWords): CachePolicy {
  if (key === undefined) return effects ? { ttlMs, effects } : { ttlMs }
  const source = readSource(key)
  return effects ? { ttlMs, key: source, effects } : { ttlMs, key: source }
}

function describeApproval({ message, expiresMs }: ApprovalWords): NonNullable<DAGTaskFields['approve']> {
  if (message === undefined && expiresMs === undefined) return true
  return {
    ...(message !== undefined && { message: readSource(message) as string }),
    ...(expiresMs !== undefined && { expiresMs }),
  }
}

/** The fields that say how a task makes its children, except for `workflow` and `tool`. */
export function describeGroup(group: ChildWords): Partial<DAGTaskFields> {
  if (group.kind === 'forEach') return describeItems(group)
  return group.kind === 'repeat' ? describeRounds(group) : {}
}

type ChildWords =
  | (ItemWords & { readonly kind: 'forEach' })
  | (RoundWords & { readonly kind: 'repeat' })
  | { readonly kind: 'workflow' | 'plan' }

function describeItems({ items, concurrency, tolerate }: ItemWords): Partial<DAGTaskFields> {
  const forEach =
    items.kind === 'list'
      ? readSource(items.list)
      : Object.fromEntries(items.keys.map((key, i) => [key, readSource(items.lists[i] as Template)]))
  return { forEach, tolerate: describeTolerance(tolerate), ...(concurrency !== undefined && { concurrency }) }
}

function describeRounds({ until, everyMs, factor, maxTimes, onExhausted }: RoundWords): Partial<DAGTaskFields> {
  return { repeat: { everyMs, factor, maxTimes, onExhausted, ...(until !== undefined && { until: until.source }) } }
}
