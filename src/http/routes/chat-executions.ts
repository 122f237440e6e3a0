import type { Clock } from '../../clock.ts'
import type { HostedExecution } from '../../host/execution/hosted-execution.ts'
import { isJsonObject } from '../../json/describe-json.ts'
import { parseJson } from '../../json/parse-json.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import type { DAGStructure } from '../../workflow/document.ts'

/** Maximum number of chats whose last execution is known. */
const MAX_CHATS = 10_000

/** How long after its end an execution can be resumed, ms: for a client that lost its connection shortly before. */
const KEPT_MS = 300_000

/** A chat of one owner with one workflow. */
export interface Chat {
  readonly owner: string | undefined
  readonly workflow: string
  readonly chatId: string
}

interface Turn {
  readonly executionId: string
  /** On the monotonic clock, ms. */
  endedAt?: number
}

/** The last execution of each chat. */
export class ChatExecutions {
  readonly #clock: Clock
  /** The chats whose last turn began first come first. */
  readonly #turns = new Map<string, Turn>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A turn of the chat has begun. */
  add(chat: Chat, { executionId, ended }: HostedExecution): void {
    const key = toKey(chat)
    const turn: Turn = { executionId }
    this.#turns.delete(key)
    this.#turns.set(key, turn)
    for (const oldest of this.#turns.keys()) {
      if (this.#turns.size <= MAX_CHATS) break
      this.#turns.delete(oldest)
    }
    const note = (): void => void (turn.endedAt = this.#clock.now())
    // Where the log is lost, the execution may go on here later.
    ended.then(note, () => {})
  }

  /**
   * The execution to resume: the last one of the chat, unless it ended long ago.
   * @param running the executions of this process, among which those of an earlier process are looked for
   */
  find(chat: Chat, document: DAGStructure, running: Iterable<HostedExecution>): string | undefined {
    const turn = this.#turns.get(toKey(chat))
    if (turn === undefined) return findRecovered(chat, document, running)
    const { executionId, endedAt = Number.POSITIVE_INFINITY } = turn
    if (this.#clock.now() - endedAt <= KEPT_MS) return executionId
    this.#turns.delete(toKey(chat))
    return undefined
  }
}

function toKey({ owner, workflow, chatId }: Chat): string {
  return JSON.stringify([owner ?? null, workflow, chatId])
}

/** The last execution of the chat that an earlier process began, by its record. */
function findRecovered(
  { owner, chatId }: Chat,
  document: DAGStructure,
  running: Iterable<HostedExecution>,
): string | undefined {
  const quotedId = JSON.stringify(chatId)
  // A record holds the registered workflows that the document names, behind its own members.
  const begin = stringifyJson(document).slice(0, -1)
  let last: HostedExecution['record'] | undefined
  for (const { record } of running) {
    if (record.owner !== owner || !record.input?.includes(quotedId) || !record.workflow?.startsWith(begin)) continue
    const input = parseJson(record.input)
    const isOfChat = isJsonObject(input) && (input as { readonly id?: unknown }).id === chatId
    if (isOfChat && (last === undefined || record.createdAt >= last.createdAt)) last = record
  }
  return last?.executionId
}
