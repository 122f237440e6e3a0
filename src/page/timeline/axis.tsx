/** @jsxImportSource preact */
import type { JSX } from 'preact'
import { formatDuration } from '../shell/format.ts'
import type { TimeScale } from './time-scale.ts'

/** Width that a label needs, px. */
const LABEL_WIDTH = 84

interface AxisProps {
  readonly scale: TimeScale
  readonly view: { readonly from: number; readonly to: number }
  readonly width: number
  /** Start of the execution, ms since 1970. */
  readonly origin: number
}

/** The time since the start, with a break for each compressed pause. */
export function Axis({ scale, view, width, origin }: AxisProps): JSX.Element {
  const toX = (place: number): number => ((place - view.from) / (view.to - view.from)) * width
  const ticks = scale.ticks(view.from, view.to, Math.max(1, Math.floor(width / LABEL_WIDTH)), origin)
  let lastX = Number.NEGATIVE_INFINITY
  return (
    <>
      <span class="visually-hidden">Attempts in time</span>
      <svg class="axis" width={width} height="22" aria-hidden="true" focusable="false">
        {ticks.map(time => {
          const x = toX(scale.placeOf(time))
          if (x - lastX < LABEL_WIDTH / 2) return null
          lastX = x
          return (
            <g key={time} transform={`translate(${x} 0)`}>
              <line y1="16" y2="22" />
              <text x="3" y="14">
                {formatDuration(time - origin)}
              </text>
            </g>
          )
        })}
        {scale.gaps.map(({ at, width: size, from, to }) => (
          <g key={from} class="gap" transform={`translate(${toX(at)} 0)`}>
            <title>{`Idle for ${formatDuration(to - from)}`}</title>
            <rect width={Math.max(2, toX(at + size) - toX(at))} height="22" />
          </g>
        ))}
      </svg>
    </>
  )
}
