import type { Clock } from '../../src/clock.ts'
import type { Renewal, SharedStore } from '../../src/cluster/shared-store.ts'

/** The surroundings of a process of a test. After `die` its timers do not fire, and its store never answers. */
export interface MortalProcess {
  readonly clock: Clock
  readonly store: SharedStore
  readonly die: () => void
  /** Its store rejects every call, or answers again. */
  readonly cutOff: (isCutOff: boolean) => void
  /** Calls of these names, or all, take effect only once they hang no more. */
  readonly hang: (isHanging: boolean, names?: readonly string[]) => void
  /** The next call of this name that returns something takes effect and rejects. */
  readonly loseAnswer: (name: string) => void
  /** Calls that hang. */
  readonly hangingCount: () => number
}

/** Gives a process its own clock and its own connection, which a test can end. */
export function mortalProcess(clock: Clock, connection: SharedStore): MortalProcess {
  let isDead = false
  const renewals: Renewal[] = []
  let isCutOff = false
  let released: Promise<void> | undefined
  let release = (): void => {}
  let hangingCount = 0
  let hanging: readonly string[] | undefined
  let lost: string | undefined
  const guard = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(_, name) {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value === 'object' && value !== null) return guard(value)
        if (typeof value !== 'function') return value
        return (...args: unknown[]): unknown => {
          if (isDead) return new Promise(() => {})
          const isHanging = hanging === undefined ? name !== 'subscribe' : hanging.includes(String(name))
          if (released !== undefined && isHanging) {
            hangingCount += 1
            return released.then(() => Reflect.apply(value, target, args) as unknown)
          }
          if (isCutOff && name !== 'subscribe') return Promise.reject(new Error('The connection is cut off'))
          if (name === 'subscribe') return Reflect.apply(value, target, [hear(args[0] as (hints: unknown) => void)])
          const result = Reflect.apply(value, target, args) as unknown
          if (name === lost) {
            return Promise.resolve(result as Promise<readonly unknown[]>).then(answer => {
              if (answer.length === 0) return answer
              lost = undefined
              throw new Error('The answer is lost')
            })
          }
          // Its thread ends with the process.
          if (name === 'keepOrders') renewals.push(result as Renewal)
          return result
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
    die() {
      isDead = true
      for (const renewal of renewals) void renewal.close()
    },
    cutOff: cut => void (isCutOff = cut),
    loseAnswer: name => void (lost = name),
    hangingCount: () => hangingCount,
    hang(isHanging, names) {
      hanging = names
      hangingCount = 0
      release()
      released = isHanging ? new Promise(resolve => (release = resolve)) : undefined
    },
  }
}
