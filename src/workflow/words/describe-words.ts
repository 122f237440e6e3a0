import type { ApprovalWords, ItemWords, RoundWords, TaskWords } from '../checked-document.ts'
import type { DAGTaskFields } from '../document.ts'
import { readSource, type Template } from '../template.ts'
import { describeTolerance } from './tolerance.ts'

/** The fields of a task that most tasks do without. */
export function describeFields({
  timeoutMs,
  retry,
  when,
  runOn,
  optional,
  approve,
}: TaskFields): Partial<DAGTaskFields> {
  return {
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(retry !== undefined && { retry }),
    ...(when !== undefined && { when: when.source }),
    ...(runOn !== undefined && { runOn }),
    ...(approve !== undefined && { approve: describeApproval(approve) }),
    ...(optional !== undefined && { optional: true, default: optional.default.read() }),
  }
}

interface TaskFields
  extends Pick<TaskWords, 'when' | 'runOn' | 'optional' | 'approve'>,
    Pick<DAGTaskFields, 'timeoutMs' | 'retry'> {}

function describeApproval({ message, expiresMs }: ApprovalWords): NonNullable<DAGTaskFields['approve']> {
  if (message === undefined && expiresMs === undefined) return true
  return {
    ...(message !== undefined && { message: readSource(message) as string }),
    ...(expiresMs !== undefined && { expiresMs }),
  }
}

/** The fields that say how a task makes its children, except for `workflow`. */
export function describeGroup(group: ChildWords): Partial<DAGTaskFields> {
  if (group.kind === 'workflow') return {}
  return group.kind === 'forEach' ? describeItems(group) : describeRounds(group)
}

type ChildWords =
  | (ItemWords & { readonly kind: 'forEach' })
  | (RoundWords & { readonly kind: 'repeat' })
  | { readonly kind: 'workflow' }

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
