import type { Clock } from '../../src/clock.ts'
import type { SharedStore } from '../../src/cluster/shared-store.ts'

/** The surroundings of a process of a test. After `die` its timers do not fire, and its store never answers. */
export interface MortalProcess {
  readonly clock: Clock
  readonly store: SharedStore
  readonly die: () => void
  /** Its store rejects every call, or answers again. */
  readonly cutOff: (isCutOff: boolean) => void
}

/** Gives a process its own clock and its own connection, which a test can end. */
export function mortalProcess(clock: Clock, connection: SharedStore): MortalProcess {
  let isDead = false
  let isCutOff = false
  const guard = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(_, name) {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value === 'object' && value !== null) return guard(value)
        if (typeof value !== 'function') return value
        return (...args: unknown[]): unknown => {
          if (isDead) return new Promise(() => {})
          if (isCutOff && name !== 'subscribe') return Promise.reject(new Error('The connection is cut off'))
          return Reflect.apply(value, target, name === 'subscribe' ? [hear(args[0] as (hints: unknown) => void)] : args)
        }
      },
    })
  const hear =
    (wake: (hints: unknown) => void) =>
    (hints: unknown): void => {
      if (!isDead && !isCutOff) wake(hints)
    }
  return {
    clock: {
      now: () => clock.now(),
      wallTime: () => clock.wallTime(),
      after: (delayMs, callback) =>
        clock.after(delayMs, () => {
          if (!isDead) callback()
        }),
    },
    store: guard(connection),
    die: () => void (isDead = true),
    cutOff: cut => void (isCutOff = cut),
  }
}
