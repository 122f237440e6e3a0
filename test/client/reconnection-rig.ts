import { type ReconnectionOptions, StreamReconnectionManager } from '../../src/client/index.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { terminated } from './fake-server.ts'
import { type Item, source } from './item-source.ts'

export const TOKEN: Item = { type: 'token' }
export const COMPLETE: Item = { type: 'execution_complete' }
export const DONE: Item = { type: 'done' }
export const CONTENT: Item = { type: 'content', data: 'word' }

/** A manager without jitter, and what the test holds in its hand. */
export interface Rig {
  readonly manager: StreamReconnectionManager
  readonly clock: FakeClock
  readonly delays: number[]
}

export function rig(options: ReconnectionOptions = {}): Rig {
  const clock = new FakeClock()
  const delays: number[] = []
  const onReconnect = ({ delayMs }: { delayMs: number }): void => void delays.push(delayMs)
  return {
    manager: new StreamReconnectionManager({ clock, random: () => 0.5, onReconnect, ...options }),
    clock,
    delays,
  }
}

/** Opens these one after another, then fails. */
export function sources(...all: readonly AsyncIterable<Item>[]): () => AsyncIterable<Item> {
  const left = [...all]
  return () => left.shift() ?? source(terminated())
}
