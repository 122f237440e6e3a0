import type { Fold } from '../model/fold.ts'
import type { Row } from './rows.ts'
import type { TimeScale } from './time-scale.ts'

/** What a row of the timeline is drawn from. */
export interface RowProps {
  readonly row: Row
  readonly index: number
  readonly fold: Fold
  readonly scale: TimeScale
  readonly view: { readonly from: number; readonly to: number }
  readonly width: number
  readonly now: number
  readonly isCritical: boolean
  readonly isSelected: boolean
  readonly isActive: boolean
  readonly onSelect: () => void
  readonly onToggle: () => void
}
