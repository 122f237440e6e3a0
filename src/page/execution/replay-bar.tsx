/** @jsxImportSource preact */
import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { JSX } from 'preact'
import type { ExecutionModel } from '../model/execution-model.ts'
import { nextFrame } from '../model/frames.ts'
import { formatCount, formatMoment } from '../shell/format.ts'

/** Time in which a whole log is played, ms. */
const PLAY_MS = 20_000

/** The place in the log: a slider over its events. At its end the page is live. */
export function ReplayBar({ model }: { readonly model: ExecutionModel }): JSX.Element {
  void model.version.value
  const isPlaying = useSignal(false)
  const track = useRef<HTMLDivElement>(null)
  const count = model.keptCount
  const place = model.place.value ?? count
  const isLive = model.place.value === undefined
  const show = (to: number): void => model.show(to >= count ? undefined : Math.max(0, Math.round(to)))
  useEffect(() => {
    if (!isPlaying.value) return undefined
    let last = performance.now()
    let at = (model.place.peek() ?? model.keptCount) >= model.keptCount ? 0 : (model.place.peek() as number)
    let cancel = nextFrame(step)
    function step(): void {
      const now = performance.now()
      at += ((now - last) / PLAY_MS) * model.keptCount
      last = now
      if (at >= model.keptCount) isPlaying.value = false
      model.show(at >= model.keptCount ? undefined : Math.floor(at))
      if (isPlaying.peek()) cancel = nextFrame(step)
    }
    return () => cancel()
  }, [isPlaying.value])
  const onKeyDown = (event: KeyboardEvent): void => {
    const page = Math.max(1, Math.round(count / 20))
    const to = {
      ArrowRight: place + 1,
      ArrowUp: place + 1,
      ArrowLeft: place - 1,
      ArrowDown: place - 1,
      PageUp: place + page,
      PageDown: place - page,
      Home: 0,
      End: count,
    }[event.key]
    if (to === undefined) return
    event.preventDefault()
    show(to)
  }
  const onPointer = (event: PointerEvent): void => {
    if (event.type === 'pointermove' && event.buttons === 0) return
    const box = (track.current as HTMLDivElement).getBoundingClientRect()
    ;(event.currentTarget as HTMLElement).setPointerCapture(event.pointerId)
    show(((event.clientX - box.left) / box.width) * count)
  }
  const at = `event ${formatCount(place)} of ${formatCount(count)}${model.isReplayCut ? ', the first ones alone' : ''}`
  const time = formatMoment(model.timeAt(place)).slice(11)
  return (
    <footer class="replay">
      <button type="button" disabled={count === 0} onClick={() => (isPlaying.value = !isPlaying.value)}>
        {isPlaying.value ? 'Pause' : 'Replay'}
      </button>
      <div
        class="slider"
        ref={track}
        role="slider"
        tabIndex={0}
        aria-label="Place in the log"
        aria-valuemin={0}
        aria-valuemax={count}
        aria-valuenow={place}
        aria-valuetext={isLive ? `live, ${at}` : `${at}, ${time}`}
        onKeyDown={onKeyDown}
        onPointerDown={onPointer}
        onPointerMove={onPointer}
      >
        <svg width="100%" height="20" aria-hidden="true" focusable="false">
          <rect class="rest" y="8" width="100%" height="4" rx="2" />
          <rect class="past" y="8" width={`${count === 0 ? 100 : (place / count) * 100}%`} height="4" rx="2" />
          <circle cx={`${count === 0 ? 100 : (place / count) * 100}%`} cy="10" r="6" />
        </svg>
      </div>
      <span class="place">
        {at} <span class="dim">{time}</span>
      </span>
      <button type="button" disabled={isLive} onClick={() => show(count)}>
        {isLive ? 'At the end' : 'To the end'}
      </button>
    </footer>
  )
}
