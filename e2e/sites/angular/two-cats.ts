import { CUSTOM_ELEMENTS_SCHEMA, Component, output } from '@angular/core';
import 'purrwall-widget';
import type { Receipt } from 'purrwall-widget';

@Component({
  selector: 'two-cats',
  schemas: [CUSTOM_ELEMENTS_SCHEMA],
  template: `
    <purr-wall
      item="two-cats"
      gateway="https://store.example"
      [maxSat]="100"
      (purrwallpaid)="paid.emit($event.detail.receipt)"
    ></purr-wall>
  `,
})
export class TwoCats {
  readonly paid = output<Receipt | null>();
}
