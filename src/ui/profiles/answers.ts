/** What the API answers about profiles, as far as this view reads it: `Profiles`, `Profile` and `FaultTypes` of the OpenAPI document. */

export interface ProfileParam {
  readonly name: string;
  readonly summary: string;
  readonly required: boolean;
  readonly default?: string | number | boolean | null;
}

export interface ProfileSummary {
  readonly name: string;
  readonly summary: string;
  readonly breaks: string;
  readonly survives: string;
  readonly tags: readonly string[];
  readonly params: readonly ProfileParam[];
  readonly source: string;
  readonly origin: "memory" | "file" | "library";
}

export interface Course {
  readonly headline: string;
  readonly shown_ms: number;
  readonly endless: boolean;
  readonly phases: readonly { readonly phase: string; readonly from_ms: number; readonly until_ms: number }[];
  readonly rows: readonly CourseRow[];
}

export interface CourseRow {
  readonly fault: string;
  readonly type: string;
  readonly goes_on: boolean;
  readonly spans: readonly {
    readonly from_ms: number;
    readonly until_ms: number;
    readonly level: "all" | "some" | "rising" | "falling";
  }[];
}

export interface ProfileDetail extends ProfileSummary {
  readonly text: string;
  readonly explanation: readonly string[] | null;
  readonly course: Course | null;
}

export interface FaultParam {
  readonly name: string;
  readonly kind: string;
  readonly values?: readonly string[];
}

export interface FaultTypes {
  readonly types: readonly { readonly type: string; readonly params: readonly FaultParam[] }[];
}
