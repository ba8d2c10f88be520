import ArgumentParser
import Reports
import Training

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Make a page about a run, or one that compares several.",
        discussion: """
            dure report OUT
            dure report OUT-1 OUT-2 OUT-3 --output comparison.html

            The page of one run goes into its folder, as at the end of the run; a comparison goes where --output \
            says. The page needs nothing but itself.
            """)

    @Argument(help: "Output folders of dure train.")
    var runs: [String]

    @Option(help: "Where to write the page.")
    var output: String?

    func validate() throws {
        guard runs.count < 2 || output != nil else {
            throw ValidationError("--output is missing: a comparison goes into no run's folder")
        }
    }

    func run() throws {
        let reports = try runs.map { folder in
            let report = try RunReport(folder: folder)
            for notice in report.notices { printMessage("dure: warning: \(folder): \(notice)") }
            return report
        }
        let folder = runs[0]
        let path = output ?? (folder.hasSuffix("/") ? folder : folder + "/") + RunPage.fileName
        if reports.count == 1 {
            try RunPage(reports[0], defaults: TrainingSettings.defaultFlags).write(to: path)
        } else {
            let page = ComparisonPage(reports, defaults: TrainingSettings.defaultFlags)
            for notice in page.notices { printMessage("dure: warning: \(notice)") }
            try page.write(to: path)
        }
        try printResult(lines: [path])
    }
}
