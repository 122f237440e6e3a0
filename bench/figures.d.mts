export interface Figure {
  name: string
  unit: string
  measured: number
  target: number
}

export declare function isMet(figure: Figure): boolean
export declare function formatFigures(figures: readonly Figure[]): string
