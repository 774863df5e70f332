/** The types of what scripts/page.mjs makes at this place: uPlot's small build as a module. */
import uPlot from "uplot";
export default uPlot;
