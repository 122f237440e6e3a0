import { describeMending, type RefusalMemory, type RefusedFields, selectMendable } from './adjustments.ts'
import { type CompletionCall, type CompletionEnd, streamCompletion } from './completion-stream.ts'
import { findRefusedFields } from './refused-fields.ts'

/** Maximum number of repetitions of one call: endpoints name one field at a time. Each field is rejected at most once. */
const MAX_MENDINGS = 4

/** Fields that the provider adds on its own. */
const OWN_FIELDS: ReadonlySet<string> = new Set(['stream_options', 'usage'])

/** A serialized call with the fields of its body. */
export interface WrittenCall extends CompletionCall {
  readonly fields: readonly string[]
  /** Fields omitted or renamed because the endpoint rejected them before. */
  readonly changed: readonly string[]
}

/** Memory and reporting of rejected fields. */
export interface Mending {
  readonly memory: RefusalMemory
  readonly model: string
  /** Serializes the call without these fields. */
  readonly write: (refused: RefusedFields) => WrittenCall
  readonly tell: (message: string) => void
}

/**
 * Streams a call; if the endpoint rejects it (400, 422) and names fields, repeats it without them. The fields that an accepted
 * request omitted are remembered for its model.
 * @param first the call, serialized with the remembered fields omitted
 */
export async function* streamMended(
  first: WrittenCall,
  { memory, model, write, tell }: Mending,
): AsyncGenerator<readonly string[], CompletionEnd, undefined> {
  let refused = memory.recall(model)
  const changed = first.changed.filter(name => !OWN_FIELDS.has(name))
  if (changed.length > 0) tell(`Sent ${describeMending(changed)}, which \`${model}\` has refused before`)
  let call = first
  for (let left = MAX_MENDINGS; ; left--) {
    const end = yield* streamCompletion(call)
    if (end.failure === undefined && refused !== memory.recall(model)) memory.remember(model, refused)
    const named = end.refusal === undefined || left === 0 ? [] : findRefusedFields(end.refusal, call.fields)
    const mendable = selectMendable(named, refused)
    if (mendable.length === 0) return end
    refused = new Set([...refused, ...mendable])
    tell(`The endpoint refused a part of the request: sent again ${describeMending(mendable)}`)
    call.meter.restart()
    call = write(refused)
  }
}
