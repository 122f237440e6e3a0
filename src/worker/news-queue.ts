import type { AttemptKey } from '../attempt/runner.ts'
import type { AttemptMessage, AttemptNews } from '../cluster/inbox.ts'
import { findCut, TextJoiner } from '../text.ts'

/** What a message weighs beside its text, characters. */
const MESSAGE_WEIGHT = 100

/** Maximum text of one message, characters. */
const MAX_TEXT = 64 * 1024

interface Queued {
  news: AttemptNews
  weight: number
}

/**
 * The news of one attempt that are not posted. Text is joined; sums of usage and counts of dropped emissions replace earlier
 * ones. Numbers are given when messages are taken, so that a repeated post repeats them.
 */
export class NewsQueue {
  readonly key: AttemptKey
  /** The weight that its outbox has counted. Owned by the outbox. */
  countedWeight = 0
  #queued: Queued[] = []
  /** Messages that were taken and not posted. */
  #returned: readonly AttemptMessage[] = []
  #text = ''
  #joiner: TextJoiner | undefined
  #number = 0
  #weight = 0

  constructor(key: AttemptKey) {
    this.key = key
  }

  /** Size of what waits, characters. */
  get weight(): number {
    return this.#weight + this.#text.length
  }

  get isEmpty(): boolean {
    return this.#queued.length === 0 && this.#text === '' && this.#returned.length === 0
  }

  /** A high surrogate at its end waits for the next text, or for the last of the news. */
  addText(text: string): void {
    this.#joiner ??= new TextJoiner()
    this.#text += this.#joiner.add(text)
  }

  add(news: AttemptNews): void {
    if (news.type === 'settled' && this.#joiner !== undefined) this.#text += this.#joiner.end()
    if ((news.type === 'usage' || news.type === 'dropped') && this.#replaceLast(news)) return
    this.#sealText()
    this.#push(news)
  }

  /** The last messages that were taken are the next to be taken, with their numbers, and without others. */
  putBack(messages: readonly AttemptMessage[]): void {
    this.#returned = messages
    this.#weight += weighAll(messages)
  }

  /** Removes the first messages: at most `count`, and about `weight` characters, but at least one. */
  take(count: number, weight: number): readonly AttemptMessage[] {
    const returned = this.#returned
    if (returned.length > 0) {
      this.#returned = []
      this.#weight -= weighAll(returned)
      return returned
    }
    this.#sealText()
    let size = 0
    let taken = 0
    while (taken < this.#queued.length && taken < count) {
      const next = (this.#queued[taken] as Queued).weight
      if (taken > 0 && size + next > weight) break
      size += next
      taken += 1
    }
    this.#weight -= size
    return this.#queued.splice(0, taken).map(({ news }) => ({ key: this.key, number: ++this.#number, news }))
  }

  /** Discards what waits: nobody accepts it any more. */
  clear(): void {
    this.#queued = []
    this.#returned = []
    this.#text = ''
    this.#weight = 0
  }

  /** Text after the sum does not depend on it. */
  #replaceLast(news: AttemptNews & { type: 'usage' | 'dropped' }): boolean {
    const last = this.#queued.at(-1)
    if (last === undefined) return false
    if (news.type === 'usage' && last.news.type === 'usage') last.news = news
    else if (news.type === 'dropped' && last.news.type === 'dropped') {
      last.news = { type: 'dropped', count: last.news.count + news.count }
    } else return false
    return true
  }

  #sealText(): void {
    const text = this.#text
    this.#text = ''
    for (let from = 0; from < text.length; ) {
      const to = findCut(text, from + MAX_TEXT)
      this.#push({ type: 'token', text: text.slice(from, to) })
      from = to
    }
  }

  #push(news: AttemptNews): void {
    const weight = MESSAGE_WEIGHT + weigh(news)
    this.#weight += weight
    this.#queued.push({ news, weight })
  }
}

function weighAll(messages: readonly AttemptMessage[]): number {
  return messages.reduce((sum, { news }) => sum + MESSAGE_WEIGHT + weigh(news), 0)
}

function weigh(news: AttemptNews): number {
  if (news.type === 'token') return news.text.length
  if (news.type === 'log') return news.message.length
  if (news.type === 'settled') return news.report.status === 'success' ? news.report.outputJson.length : 0
  if (news.type === 'question') return JSON.stringify(news.question)?.length ?? 0
  return news.type === 'progress' ? String(news.progress.message ?? '').length : 0
}
