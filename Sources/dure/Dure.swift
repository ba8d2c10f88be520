@main
struct Dure {
    static func main() {}
}
